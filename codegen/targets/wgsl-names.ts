/**
 * Names in WGSL text. A kernel's own names stay as they are where they can; those that WGSL keeps for itself, or
 * that would hide something the text needs (a builtin function, a parameter), get an underscore. Names that already
 * end in one get one too, so that no two names meet.
 */
import { check } from '../../graph/error.js'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const keywords = words(`alias break case const const_assert continue continuing default diagnostic discard else enable
  false fn for if let loop override requires return struct switch true var while`)

const reserved = words(`NULL Self abstract active alignas alignof as asm asm_fragment async attribute auto await become
  cast catch class co_await co_return co_yield coherent column_major common compile compile_fragment concept const_cast
  consteval constexpr constinit crate debugger decltype delete demote demote_to_helper do dynamic_cast enum explicit
  export extends extern external fallthrough filter final finally friend from fxgroup get goto groupshared highp impl
  implements import inline instanceof interface layout lowp macro macro_rules match mediump meta mod module move mut
  mutable namespace new nil noexcept noinline nointerpolation non_coherent noncoherent noperspective null nullptr of
  operator package packoffset pass patch pixelfragment precise precision premerge priv protected pub public readonly
  ref regardless register reinterpret_cast require resource restrict self set shared sizeof smooth snorm static
  static_assert static_cast std subroutine super target template this thread_local throw trait try type typedef typeid
  typename typeof union unless unorm unsafe unsized use using varying virtual volatile wgsl where with writeonly yield`)

/** Types and functions the text may call after a name was declared. */
const predeclared = words(`abs array atomic bitcast bool ceil clamp col_major dot exp f16 f32 floor fma i32 log max min override
  pow ptr row_major select sqrt inverseSqrt storageBarrier subgroupAdd subgroupMax subgroupMatrixLoad subgroupMatrixStore
  subgroupMatrixMultiplyAccumulate subgroupShuffleXor subgroup_matrix_left subgroup_matrix_result
  subgroup_matrix_right u32 unpack2x16float vec2 vec3 vec4 workgroupBarrier workgroup storage read read_write function`)

const taken: ReadonlySet<string> = new Set([...keywords, ...reserved, ...predeclared])

/**
 * `name` as WGSL can take it; `more` are names of the module that it must not hide.
 * Throws a WeftError where it is no identifier at all.
 */
export function wgslName(name: string, where: string, more: ReadonlySet<string>): string {
  check(/^[A-Za-z][A-Za-z0-9_]*$/.test(name), where, 'not a name that WGSL can take', 'letters, digits and _, a letter first', `«${name}»`)
  return taken.has(name) || more.has(name) || name.endsWith('_') ? `${name}_` : name
}
