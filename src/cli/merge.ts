import { Command } from 'commander'
import { counted } from '../core/counted.js'

/** `sage-augment merge <dir...> --out <dir>`. */
export function mergeCommand(): Command {
  return new Command('merge')
    .description('join the finished shards of one run')
    .argument('<dir...>', 'output folders of all shards')
    .requiredOption('--out <dir>', 'folder of the whole')
    .option('--overwrite', 'start a run of ours over', false)
    .addHelpText('after', '\nExample:\n  sage-augment merge aug-1-of-2 aug-2-of-2 --out aug')
    .action(async (folders: string[], { out, overwrite }: { out: string; overwrite: boolean }) => {
      const { merge } = await import('../run/merge.js')
      const notice = (text: string) => {
        process.stderr.write(`${text}\n`)
      }
      const pictures = await merge(folders, out, { overwrite, notice })
      notice(`${out}: ${counted(pictures, 'picture')} of ${counted(folders.length, 'shard')}`)
    })
}
