/** `weft rm`: a model out of the shared cache, whole, or one revision with what only that one used. */
import { removeCached } from '../../engine/hub/cache.js'
import { hubNameText, parseHubName } from '../../engine/hub/name.js'
import { hubSettings } from '../../engine/hub/settings.js'
import { defineCommand, wrongOption } from '../command.js'
import { bytes, note } from '../terminal.js'

export const rmCommand = defineCommand({
  positionals: { model: { type: 'string', demandOption: true, describe: 'organization/repository, or organization/repository@revision for that revision only' } },
  options: {},
  async run(argv) {
    const name = parseHubName(argv.model)
    if (name === null || name.file !== null) throw wrongOption('model', 'not a repository', 'organization/repository or organization/repository@revision', JSON.stringify(argv.model))
    const wholeRepo = !argv.model.includes('@')
    const freed = removeCached(hubSettings().cache, name, wholeRepo)
    note(`${hubNameText(name)} removed, ${bytes(freed)} freed`)
    return 0
  },
})
