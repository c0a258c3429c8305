/**
 * Names in CUDA text. The kernel form's names have no trailing underscore, so one added to a name that C++ or CUDA
 * keeps for itself can meet no other.
 */
const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const keywords = words(`alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
  char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue
  decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline
  int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
  reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
  thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
  xor xor_eq`)

/** Types, variables, functions and macros that the text uses or the compiler predefines. */
const predeclared = words(`NULL WEFT assert blockDim blockIdx expf fabsf float4 floorf fmaf fmaxf fminf gridDim int4
  linux logf make_float4 make_int4 make_uint2 make_uint4 rsqrtf sqrtf threadIdx uint2 uint4 unix warpSize`)

/** Functions of the C library that the compiler knows, which a kernel may not redefine. */
const library = words(`abs acos asin atan cbrt ceil clock copysign cos erf exp exp2 fabs floor fma fmax fmin fmod free
  frexp hypot ldexp lgamma log log2 main malloc max memcpy memset min modf norm pow printf remainder rint round rsqrt
  sin sqrt tan tanh trunc`)

const taken: ReadonlySet<string> = new Set([...keywords, ...predeclared])
const takenByFunctions: ReadonlySet<string> = new Set([...keywords, ...predeclared, ...library])

const reserved = (name: string): boolean => taken.has(name) || name.startsWith('weft_')

export const cudaName = (name: string): string => (reserved(name) ? `${name}_` : name)

/** Whether a kernel may have this name, which the driver looks it up by. */
export const isCudaKernelName = (name: string): boolean => !takenByFunctions.has(name) && !name.startsWith('weft_')
