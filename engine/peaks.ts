/**
 * Memory bandwidth of chips, from their makers' data sheets: what a launch's GB/s is a share of. A chip that is not
 * here has no share shown; a wrong figure would be worse than none.
 */
interface Peak {
  readonly chip: RegExp
  /** GB/s */
  readonly bandwidth: number
}

/** The first that matches the chip's name counts: longer names stand before shorter ones. */
const peaks: readonly Peak[] = [
  { chip: /\bH200\b/i, bandwidth: 4800 },
  { chip: /\bH100 PCIe\b/i, bandwidth: 2000 },
  { chip: /\bH100 NVL\b/i, bandwidth: 3900 },
  { chip: /\bH100\b/i, bandwidth: 3350 },
  { chip: /\bA100.*PCIe.*80GB|A100 80GB PCIe\b/i, bandwidth: 1935 },
  { chip: /\bA100.*80GB\b/i, bandwidth: 2039 },
  { chip: /\bA100\b/i, bandwidth: 1555 },
  { chip: /\bL40S?\b/i, bandwidth: 864 },
  { chip: /\bL4\b/i, bandwidth: 300 },
  { chip: /\bT4\b/i, bandwidth: 320 },
  { chip: /\bRTX 5090\b/i, bandwidth: 1792 },
  { chip: /\bRTX 4090\b/i, bandwidth: 1008 },
  { chip: /\bRTX 3090 Ti\b/i, bandwidth: 1008 },
  { chip: /\bRTX 3090\b/i, bandwidth: 936 },
]

/** GB/s that the memory of a chip of this name moves at most, or null where it is not known. */
export function peakBandwidth(chip: string): number | null {
  return peaks.find(p => p.chip.test(chip))?.bandwidth ?? null
}
