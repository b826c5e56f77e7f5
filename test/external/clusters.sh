#!/usr/bin/env bash
# Runs array jobs on real engines and compares what is merged with a run in one piece. Not part of the tests: it needs root in a
# throw-away Debian with the packages slurmctld, slurmd, munge, parallel, gridengine-master, gridengine-exec, gridengine-client
# (none of them running), and `npm run build`.
#
# The manifests of Kubernetes are checked against the schema of its API, by Python ($PYTHON, else python3) with the package kubernetes.
#
#     test/external/clusters.sh [slurm] [sge] [parallel] [k8s]
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
sage="node $(cd "$(dirname "$0")/../.." && pwd)/bin/sage-augment.js"
pictures=$(cd "$(dirname "$0")/../../fixtures/fashion-mnist" && pwd)
work=$(mktemp -d)
chmod 1777 "$work"
cd "$work"
daemons=()
trap 'for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null || true; done; sleep 1; rm -rf "$work"' EXIT
make="$sage $pictures --method mixup --count 60 --quiet"

failed=0
check() { # check <what> <command...>
  if "${@:2}"; then echo "ok    $1"; else echo "FAIL  $1"; failed=1; fi
}
same() { # same <shard folders...>: merged, they are the run in one piece
  rm -rf merged
  $sage merge "$@" --out merged --quiet && diff -r -x run.json whole merged
}
# What `submit` sends, until its merge has made the run in one piece, which is `whole` for mixes of this count and method.
submitted() { # submitted <scheduler> <folder> <command before it...>
  "${@:3}" $sage submit "$1" "$pictures" --method mixup --count 60 --shards 4 --out "$work/$2" --yes --quiet || return 1
  timeout 300 sh -c "until grep -q '\"complete\": true' $2/run.json 2>/dev/null && ! [ -e $2/.sage/lock ]; do sleep 0.5; done"
  diff -r -x run.json whole "$2" && [ "$(ls -d "$2"-*-of-4 | wc -l)" = 4 ]
}
absent() { ! compgen -G "$1" >/dev/null; }
ended() { until [ -e "$1" ]; do sleep 0.1; done; }
$make --out whole

slurm() {
  mkdir -p slurm/state slurm/spool slurm/munge
  local root=$work/slurm host
  host=$(hostname -s)
  head -c 1024 /dev/urandom >slurm/key && chmod 400 slurm/key && chmod 755 slurm slurm/munge
  munged --force --key-file="$root/key" --socket="$root/munge/socket" --pid-file="$root/munge/pid" \
    --log-file="$root/munge/log" --seed-file="$root/munge/seed"
  cat >slurm/slurm.conf <<CONF
ClusterName=test
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$root/munge/socket
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/slurmctld.log
SlurmdLogFile=$root/slurmd.log
SlurmctldPort=26817
SlurmdPort=26818
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
KillWait=10
NodeName=$host NodeAddr=127.0.0.1 CPUs=2
PartitionName=all Nodes=$host Default=YES
CONF
  export SLURM_CONF=$root/slurm.conf
  slurmctld && slurmd
  ended slurm/slurmctld.pid
  ended slurm/slurmd.pid
  daemons+=("$(cat slurm/munge/pid)" "$(cat slurm/slurmctld.pid)" "$(cat slurm/slurmd.pid)")
  timeout 60 sh -c "until sinfo -h -o %t | grep -q idle; do sleep 0.5; done"

  submit() { # submit <array> <folder> <shard>: waits; the status is the highest of the tasks
    sbatch --wait --parsable --array="$1" --output=log-%A-%a --wrap "exec $make --out '$2-{shard}' --shard $3" >id
  }
  check 'Slurm 1-4' submit 1-4 a auto && check 'Slurm 1-4 merged' same a-*-of-4
  check 'Slurm 0-3%1' submit 0-3%1 b auto && check 'Slurm 0-3 merged' same b-*-of-4
  check 'Slurm 1-7:2' submit 1-7:2 c auto && check 'Slurm 1-7:2 merged' same c-*-of-4
  rm -rf a-3-of-4
  check 'Slurm 3 of 1-4 again' submit 3 a auto/4 && check 'Slurm 3 again merged' same a-*-of-4
  rm -rf c-2-of-4
  check 'Slurm 3 of 1-7:2 again' submit 3 c auto/1-7:2 && check 'Slurm 3 of 1-7:2 merged' same c-*-of-4
  check 'Slurm 3 alone is refused' refused submit 3 d auto
  check 'Slurm 1,3,4 is refused' refused submit 1,3,4 d auto
  check 'Slurm 2-4 is refused' refused submit 2-4 d auto
  check 'Slurm 0-3 as auto/4 is refused' refused submit 0-3 d auto/4
  rm -rf a-1-of-4
  check 'Slurm 1-2 of 1-4 is refused' refused submit 1-2 a auto
  check 'Slurm refusals wrote nothing' absent 'd-*'
  check 'Slurm: submit --yes makes and merges' submitted slurm submitted env
  preempted
}
refused() { ! "$@"; }

# A cancelled run ends by itself before the kill, with exit code 75, and is continued; merge waits for it.
preempted() {
  local long="$sage $pictures --method mixup --count 20000 --out long" job
  job=$(sbatch --parsable --output=long.log --wrap "exec $long")
  until [ -e long/images/00000/000000100.jpg ]; do sleep 0.1; done
  scancel --batch --signal=TERM "$job"
  while squeue -h -j "$job" 2>/dev/null | grep -q .; do sleep 0.2; done
  check 'Slurm SIGTERM ends with 75' grep -q 'ExitCode=75:0' <(scontrol show job "$job")
  check 'Slurm SIGTERM says how to go on' grep -q 'repeat the command to continue' long.log
  check 'Slurm SIGTERM leaves no lock' absent 'long/.sage/lock*'
  check 'an interrupted run lets its followers wait' refused sbatch --wait --wrap 'exit 75'
}

sge() {
  export SGE_ROOT=/var/lib/gridengine SGE_CELL=default SGE_QMASTER_PORT=26444 SGE_EXECD_PORT=26445
  local common=$SGE_ROOT/$SGE_CELL/common host
  host=$(hostname)
  echo "$host localhost" >"$common/host_aliases"
  echo "$host" >"$common/act_qmaster"
  sge_qmaster
  until qconf -sm >/dev/null 2>&1; do sleep 0.5; done
  (qconf -ah "$host"; qconf -as "$host") >/dev/null 2>&1 || true
  sge_execd
  sleep 2
  daemons+=("$(cat /var/spool/gridengine/qmaster/qmaster.pid)" "$(cat /var/spool/gridengine/execd/*/execd.pid)")
  printf 'group_name @sage\nhostlist %s\n' "$host" >group && (qconf -Ahgrp group || true) >/dev/null 2>&1
  cat >editor <<'ED'
#!/bin/sh
sed -i 's/^hostlist .*/hostlist @sage/; s/^slots .*/slots 2/; s/^pe_list .*/pe_list NONE/; s/^load_thresholds .*/load_thresholds NONE/' "$1"
sleep 1
touch "$1"
ED
  chmod +x editor && (EDITOR=$work/editor qconf -aq sage.q || true) >/dev/null 2>&1
  submit() { # submit <tasks> <folder> <shard>
    su nobody -s /bin/bash -c "cd $work && qsub -sync y -cwd -V -j y -b y -t $1 $make --out '$2-{shard}' --shard $3" >log
  }
  check 'Grid Engine 1-4' submit 1-4 e auto && check 'Grid Engine 1-4 merged' same e-*-of-4
  rm -rf e-3-of-4
  check 'Grid Engine 3 again' submit 3 e auto/4 && check 'Grid Engine 3 merged' same e-*-of-4
  rm -rf e-1-of-4 e-3-of-4
  check 'Grid Engine 1,3 again' submit 1,3 e auto/4 && check 'Grid Engine 1,3 merged' same e-*-of-4
  check 'Grid Engine 3 alone is refused' refused submit 3 f auto
  check 'Grid Engine 1,3 is refused' refused submit 1,3 f auto
  check 'Grid Engine refusals wrote nothing' absent 'f-*'

  check 'Grid Engine: submit --yes makes and merges' submitted sge handed su -s /bin/bash -- nobody -c 'cd "$0" && exec "$@"' "$work"

  # The script of docs/clusters.md: a task that is notified is put back, and ends the run at its second attempt.
  cat >again.sh <<AGAIN
trap : USR1 USR2
$sage $pictures --method mixup --count 4000 --out again
code=\$?; [ \$code = 75 ] && exit 99; exit \$code
AGAIN
  su nobody -s /bin/bash -c "cd $work && qsub -terse -S /bin/bash -cwd -V -j y -o again.log -r y -notify again.sh" >id
  ended again/images/00000/000000100.jpg
  local node
  node=$(sed -n '1s/^{"pid":\([0-9]*\).*/\1/p' again/.sage/lock/*)
  kill -USR2 -- "-$(ps -o pgid= -p "$node" | tr -d ' ')"
  timeout 120 sh -c 'until grep -q "\"complete\": true" again/run.json 2>/dev/null; do sleep 0.5; done'
  check 'Grid Engine puts back what was notified' grep -q 'repeat the command to continue' again.log
  check 'Grid Engine completes it' $sage verify again --quiet
}

parallel_() {
  check 'GNU parallel' parallel "$make" --out 'g-{shard}' --shard '{}/4' ::: 4 2 1 3 && check 'GNU parallel merged' same g-*-of-4
  check 'GNU parallel auto is refused' refused parallel -n0 "$make" --out 'h-{shard}' --shard auto/4 ::: 1 3
  check 'GNU parallel refusals wrote nothing' absent 'h-*'
}

k8s() {
  local manifests=$work/manifests
  $sage submit k8s /data/pets --shards 8 --out /data/aug --image your-image --claim data --json >"$manifests"
  check 'Kubernetes: the manifests follow the schema of the API' \
    "${PYTHON:-python3}" "$here/k8s_schema.py" <"$manifests"
}

for engine in "${@:-slurm sge parallel k8s}"; do
  for name in $engine; do [ "$name" = parallel ] && parallel_ || $name; done
done
exit $failed
