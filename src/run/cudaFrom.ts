/** onnxruntime's CUDA provider out of the Python wheel `onnxruntime-gpu` of the same version, for machines without NuGet. */
import { stat } from 'node:fs/promises'
import path from 'node:path'
import { fileBytes } from '../containers/bytes.js'
import { ContainerError } from '../containers/containerError.js'
import { readMember, type ZipMember, zipMembers } from '../containers/zip.js'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { writeAtomic } from '../output/atomic.js'
import { PROVIDER_FILES, providerFolder } from '../saliency/cudaProvider.js'
import { versions } from './versions.js'

/**
 * Places the two files of the provider beside the library of onnxruntime-node, in place of any that are there, and returns
 * their paths. Throws a usage error for a file that is no wheel of that version for this system.
 */
export async function placeProvider(wheel: string): Promise<string[]> {
  const refuse = (found: string, cause?: unknown) =>
    new AugmentError('usage', `--cuda-from ${wheel}: ${found}`, { ...hint(), ...hintFor(cause), cause })
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw refuse(`found a ${process.platform} ${process.arch}, expected Linux x64`)
  }
  const { size } = await stat(wheel).catch((cause) => {
    throw refuse(`${reasonOf(cause)}, expected a wheel`, cause)
  })
  const bytes = fileBytes(wheel, size)
  try {
    const members = new Map<string, ZipMember>()
    for await (const member of zipMembers(wheel)) members.set(member.name, member)
    const version = [...members.keys()]
      .map((name) => /^onnxruntime_gpu-([^/]+)\.dist-info\//.exec(name)?.[1])
      .find(Boolean)
    const wanted = versions.onnxruntime
    if (version === undefined) throw refuse(`found another package, expected onnxruntime-gpu ${wanted}`)
    if (version !== wanted) throw refuse(`found onnxruntime-gpu ${version}, expected ${wanted}`)
    const folder = providerFolder()
    const placed: string[] = []
    for (const name of PROVIDER_FILES) {
      const member = members.get(`onnxruntime/capi/${name}`)
      if (member === undefined) throw refuse(`found no onnxruntime/capi/${name}, expected a wheel for Linux x86-64`)
      const content = await readMember(bytes, member)
      // ELF for x86-64: e_machine is 62.
      if (content.toString('latin1', 0, 4) !== '\x7fELF' || content.readUInt16LE(18) !== 62) {
        throw refuse(`found ${name} for another processor, expected a wheel for Linux x86-64`)
      }
      await writeAtomic(path.join(folder, name), content, folder)
      placed.push(path.join(folder, name))
    }
    return placed
  } catch (error) {
    if (error instanceof ContainerError) throw refuse(error.message, error)
    throw error
  }
}

function hint(): { hint: string } {
  return {
    hint: `pip download --no-deps onnxruntime-gpu==${versions.onnxruntime} fetches the wheel, on any machine with the internet`,
  }
}
