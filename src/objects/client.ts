/** The door of the AWS SDK: loaded, and a server contacted, only once an object is asked for. */
import type { S3Client } from '@aws-sdk/client-s3'
import { AugmentError } from '../core/errors.js'

/** A request is sent so often before a connection counts as lost. */
const ATTEMPTS = 5

type Sdk = typeof import('@aws-sdk/client-s3')

interface Store {
  readonly sdk: Sdk
  readonly client: S3Client
}

let opened: { readonly key: string; readonly store: Promise<Store> } | undefined

/** The client of this process. Endpoint, region and credentials are the SDK's own: environment, ~/.aws, the machine's role. */
export function store(): Promise<Store> {
  const { AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, AWS_REGION, AWS_DEFAULT_REGION } = process.env
  const endpoint = AWS_ENDPOINT_URL_S3 || AWS_ENDPOINT_URL
  const region = AWS_REGION || AWS_DEFAULT_REGION || (endpoint ? 'us-east-1' : undefined)
  const key = `${endpoint} ${region} ${process.env.AWS_ACCESS_KEY_ID} ${process.env.AWS_PROFILE}`
  if (opened?.key !== key) opened = { key, store: connect(endpoint, region) }
  return opened.store
}

async function connect(endpoint: string | undefined, region: string | undefined): Promise<Store> {
  // What it says of Node.js is for who chose its version, which is this package.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  const sdk = await import('@aws-sdk/client-s3')
  const client = new sdk.S3Client({
    maxAttempts: ATTEMPTS,
    ...(region !== undefined && { region }),
    // A bucket has no name of its own in the DNS of a server nearby.
    forcePathStyle: Boolean(endpoint),
    followRegionRedirects: true,
    // Many compatible servers know no checksums behind a body; SHA-256 of all pictures are in the tables.
    ...(!process.env.AWS_REQUEST_CHECKSUM_CALCULATION && { requestChecksumCalculation: 'WHEN_REQUIRED' as const }),
    ...(!process.env.AWS_RESPONSE_CHECKSUM_VALIDATION && { responseChecksumValidation: 'WHEN_REQUIRED' as const }),
  })
  return { sdk, client }
}

/** The HTTP status of an answer; undefined where none came. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
}

export function isMissing(error: unknown): boolean {
  const { name } = error as Error
  return name === 'NoSuchKey' || name === 'NotFound' || (statusOf(error) === 404 && name !== 'NoSuchBucket')
}

/** What an error of the SDK means. It is not kept as a cause: what it says of the request is no one else's business. */
export function objectError(error: unknown, url: string): AugmentError {
  if (error instanceof AugmentError) return error
  const { name = 'Error', message = '' } = error as Error
  const status = statusOf(error)
  const found = FOUND.find(({ names, statuses }) => names.test(name) || statuses?.includes(status ?? 0))
  if (found !== undefined) return new AugmentError('usage', `${url}: ${found.text}`, { hint: found.hint })
  if (/region is missing/i.test(message)) {
    return new AugmentError('usage', `${url}: found no region, expected one`, { hint: 'set AWS_REGION' })
  }
  if (status === undefined || status >= 500 || status === 429) {
    const what =
      status === undefined ? `lost the connection (${codeOf(error)})` : `the server answers ${status} (${name})`
    return new AugmentError('failed', `${url}: ${what}, after ${ATTEMPTS} attempts`, {
      hint: 'repeat the command to continue; AWS_ENDPOINT_URL_S3 names another server than that of Amazon',
    })
  }
  return new AugmentError('failed', `${url}: the server answers ${status} (${name})`)
}

interface Known {
  readonly names: RegExp
  readonly statuses?: readonly number[]
  readonly text: string
  readonly hint: string
}

const FOUND: readonly Known[] = [
  {
    names: /^(CredentialsProviderError|CredentialsError|TokenProviderError)$/,
    text: 'found no credentials, expected some',
    hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
  },
  {
    names: /^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|ExpiredTokenException|InvalidToken)$/,
    text: 'the server does not take these credentials',
    hint: 'look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and AWS_PROFILE',
  },
  {
    names: /^NoSuchBucket$/,
    text: 'found no such bucket',
    hint: 'make it first, or look at AWS_ENDPOINT_URL_S3 and AWS_REGION',
  },
  {
    names: /^(AccessDenied|Forbidden|AllAccessDisabled)$/,
    statuses: [401, 403],
    text: 'access denied',
    hint: 'reading takes s3:ListBucket and s3:GetObject; writing s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload, too',
  },
]

function codeOf(error: unknown): string {
  const { code, name } = error as { code?: string; name?: string }
  return code ?? name ?? 'no answer'
}
