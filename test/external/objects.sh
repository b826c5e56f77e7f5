#!/usr/bin/env bash
# Runs into and out of an object store against a larger server than the tests', with conditional writes and parts of an object: that of
# AWS_ENDPOINT_URL_S3 and its credentials, with an empty bucket named by $1; else moto_server (`pip install 'moto[server]'`) on this machine.
#
#     test/external/objects.sh [bucket]
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
sage="node $root/bin/sage-augment.js"
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
bucket=${1:-sage}
if [ -z "${AWS_ENDPOINT_URL_S3:-}" ]; then
  moto_server -H 127.0.0.1 -p 5557 >"$work/log" 2>&1 &
  server=$!
  export AWS_ENDPOINT_URL_S3=http://127.0.0.1:5557 AWS_ACCESS_KEY_ID=one AWS_SECRET_ACCESS_KEY=two AWS_REGION=us-east-1
  until curl -s -o "$work/answer" "$AWS_ENDPOINT_URL_S3"; do sleep 0.2; done
  curl -s -X PUT "$AWS_ENDPOINT_URL_S3/$bucket" >"$work/answer"
fi

failed=0
check() { # check <what> <command...>
  if "${@:2}"; then echo "ok    $1"; else echo "FAIL  $1"; failed=1; fi
}
# The objects below a prefix as files, by the same SDK that the program uses.
fetched() { (cd "$root" && node --input-type=module -e '
  import { S3Client, GetObjectCommand, paginateListObjectsV2 } from "@aws-sdk/client-s3"
  import { mkdirSync, writeFileSync } from "node:fs"
  import path from "node:path"
  const [bucket, prefix, to] = process.argv.slice(1)
  const client = new S3Client({ forcePathStyle: true })
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${prefix}/` }))
    for (const { Key } of page.Contents ?? []) {
      const file = path.join(to, Key.slice(prefix.length + 1))
      mkdirSync(path.dirname(file), { recursive: true })
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }))
      writeFileSync(file, await Body.transformToByteArray())
    }
' "$bucket" "$1" "$2" 2>>"$work/log"); }
same() { # same <prefix> <folder>
  rm -rf "$work/got" && fetched "$1" "$work/got" && diff -r -x run.json "$work/got" "$2"
}
refused() { # refused <exit code> <text> <command...>
  local code=0
  "${@:3}" 2>"$work/said" || code=$?
  [ "$code" = "$1" ] && grep -q "$2" "$work/said" || { cat "$work/said"; false; }
}

pictures=$root/fixtures/photos
for layout in webdataset parquet; do
  # Photographs of 512 pixels: files of several parts.
  make="$sage $pictures --method mixup --size 512x512 --count 1100 --layout $layout --quiet"
  $make --out "$work/$layout"
  check "$layout is written" $make --out "s3://$bucket/$layout"
  check "$layout is the local one" same $layout "$work/$layout"
  check "$layout is read" $sage "s3://$bucket/$layout" --method mixup --count 50 --quiet --out "$work/again-$layout"
  $sage "$work/$layout" --method mixup --count 50 --quiet --out "$work/near-$layout"
  check "$layout is read as the local one" diff -r -x run.json "$work/again-$layout" "$work/near-$layout"
done

# Two at the same time: one has the lock, the other says so.
make="$sage $pictures --method mixup --size 64x64 --count 4000 --layout webdataset --quiet --out s3://$bucket/two"
codes=
for i in 1 2 3; do (code=0; $make 2>"$work/two-$i" || code=$?; echo $code >"$work/code-$i") & done
wait $(jobs -p | grep -v "^$server$")
check 'of three at once one writes' [ "$(cat "$work"/code-* | sort | tr '\n' ' ')" = '0 6 6 ' ]
check 'the others name it' [ "$(cat "$work"/two-* | grep -c 'in use by process')" = 2 ]
check 'no bucket' refused 2 'found no such bucket' $sage "s3://$bucket-none/x" --out "$work/x"
$sage "$pictures" --method mixup --size 64x64 --count 4000 --layout webdataset --quiet --out "$work/two"
check 'what the one wrote is the local one' same two "$work/two"

# A user who may only read, where this script began the server: moto denies what no policy allows from here on.
if [ -n "$server" ]; then
  read -r id secret < <(python3 - <<'USER'
import json
import boto3
iam = boto3.client('iam', region_name='us-east-1', endpoint_url='http://127.0.0.1:5557')
iam.create_user(UserName='reader')
allowed = {'Effect': 'Allow', 'Action': ['s3:ListBucket', 's3:GetObject'], 'Resource': '*'}
iam.put_user_policy(UserName='reader', PolicyName='read', PolicyDocument=json.dumps({'Version': '2012-10-17', 'Statement': [allowed]}))
key = iam.create_access_key(UserName='reader')['AccessKey']
print(key['AccessKeyId'], key['SecretAccessKey'])
USER
)
  curl -s -X POST -H 'Content-Type: text/plain' -d 0 "$AWS_ENDPOINT_URL_S3/moto-api/reset-auth" >"$work/answer"
  reader="env AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=$secret $sage"
  check 'a reader reads' $reader "s3://$bucket/parquet" --method mixup --count 50 --quiet --out "$work/reader"
  check 'and gets the same' diff -r -x run.json "$work/reader" "$work/near-parquet"
  check 'a reader may not write' refused 2 'access denied' $reader "$pictures" --method mixup --count 5 --quiet --layout parquet --out "s3://$bucket/denied"
  check 'a wrong secret is told' refused 2 'does not take these credentials' env AWS_ACCESS_KEY_ID=$id AWS_SECRET_ACCESS_KEY=wrong $sage "s3://$bucket/parquet" --count 5 --out "$work/wrong"
fi
exit $failed
