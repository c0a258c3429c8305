/** The CUDA chips that ship as files, by architecture: what tests render and compile for without a device. */
import { profile } from '../../bin/profiles.js'
import type { Caps } from '../../codegen/caps.js'

const ofArch = (arch: string): Caps => profile({ target: 'cuda', arch, caps: undefined })

export const cudaProfiles = { sm_80: ofArch('sm_80'), sm_90a: ofArch('sm_90a'), sm_120a: ofArch('sm_120a') } as const
