/** `weft pull`: a model of the hub into the cache, so that it runs later without a network; prints where it lies. */
import { parseHubName } from '../../engine/hub/name.js'
import { pullModel } from '../../engine/hub/pull.js'
import { defineCommand, wrongOption } from '../command.js'
import { note, progressBar } from '../terminal.js'

export const pullCommand = defineCommand({
  positionals: { model: { type: 'string', demandOption: true, describe: 'organization/repository, with :file.gguf for one file and @revision for a branch, tag or commit' } },
  options: {},
  async run(argv) {
    const name = parseHubName(argv.model)
    if (name === null) throw wrongOption('model', 'not a name of the hub', 'organization/repository, organization/repository:file.gguf or organization/repository@revision', JSON.stringify(argv.model))
    const progress = await progressBar('download')
    try {
      const path = await pullModel(name, { onProgress: progress.update, onNotice: note })
      progress.end()
      process.stdout.write(`${path}\n`)
    } finally {
      progress.end()
    }
    return 0
  },
})
