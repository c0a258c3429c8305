/** `weft list`: what the shared cache holds, by repository and revision. Nothing is asked of the hub. */
import { listCached, type CachedRepo } from '../../engine/hub/cache.js'
import { hubSettings } from '../../engine/hub/settings.js'
import { defineCommand } from '../command.js'
import { table } from '../table.js'
import { bytes, note, oneLine } from '../terminal.js'

export const listCommand = defineCommand({
  positionals: {},
  options: { json: { type: 'boolean', default: false, describe: 'Print one JSON array' } },
  async run(argv) {
    const { cache } = hubSettings()
    const repos = listCached(cache)
    if (argv.json) process.stdout.write(`${JSON.stringify(repos)}\n`)
    else if (repos.length === 0) note(`no models in ${cache}`)
    else process.stdout.write(describe(repos))
    return 0
  },
})

function describe(repos: readonly CachedRepo[]): string {
  const rows = repos.flatMap(({ repo, bytes: all, revisions }) => {
    if (revisions.length === 0) return [[repo, '-', bytes(all), 'unfinished']]
    return revisions.map(r => {
      const models = r.files.filter(f => f.endsWith('.gguf'))
      return [repo, `${r.refs.length === 0 ? '' : `${r.refs.join(', ')} `}${r.commit.slice(0, 8)}`, bytes(r.bytes), r.complete ? models.join(', ') : 'unfinished']
    })
  })
  return table([['model', 'revision', 'size', ''], ...rows.map(row => row.map(oneLine))], [2])
}
