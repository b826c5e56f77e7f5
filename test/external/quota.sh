#!/usr/bin/env bash
# Gives a process a quota of one core by a real control group (root on Linux, version 1 or 2) and looks whether doctor sees it.
set -euo pipefail
cd "$(dirname "$0")/../.."
for base in /sys/fs/cgroup/cpu,cpuacct /sys/fs/cgroup/cpu /sys/fs/cgroup; do [ -e "$base/cgroup.procs" ] && break; done
group="$base/sage-augment-test-$$"
mkdir "$group" || { echo "skipped: no control group can be made here"; exit 77; }
trap 'rmdir "$group"' EXIT
if [ -e "$group/cpu.max" ]; then
  echo '100000 100000' > "$group/cpu.max"
else
  echo 100000 > "$group/cpu.cfs_period_us"
  echo 100000 > "$group/cpu.cfs_quota_us"
fi
found=$(bash -c "echo \$\$ > '$group/cgroup.procs' && exec node bin/sage-augment.js doctor" | grep processors)
echo "$found"
grep -q '1 for this process (CPU quota of the control group)' <<< "$found"
SLURM_CPUS_ON_NODE=1 node bin/sage-augment.js doctor | grep -q '1 for this process (SLURM_CPUS_ON_NODE)'
echo "right: a quota and Slurm's variable are seen"
