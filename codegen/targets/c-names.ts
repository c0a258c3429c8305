/**
 * Names in text of C's family. The kernel form's names have no trailing underscore, so one added to a name that C++ or
 * the language keeps for itself can meet no other.
 */
export const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const keywords = words(`alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
  char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr constinit continue
  decltype default delete do double dynamic_cast else enum explicit export extern false float for friend goto if inline
  int long mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register
  reinterpret_cast requires return short signed sizeof static static_assert static_cast struct switch template this
  thread_local throw true try typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while
  xor xor_eq`)

/** Functions of the C library that the compiler knows, which a kernel may not redefine. */
const library = words(`abs acos asin atan cbrt ceil clock copysign cos erf exp exp2 fabs floor fma fmax fmin fmod free
  frexp hypot ldexp lgamma log log2 main malloc max memcpy memset min modf norm pow printf remainder rint round rsqrt
  sin sqrt tan tanh trunc`)

const taken: ReadonlySet<string> = new Set(keywords)
const takenByFunctions: ReadonlySet<string> = new Set([...keywords, ...library])

/** @param own names that the language keeps beyond those of C++ */
export const cName = (name: string, own: ReadonlySet<string>): string => (taken.has(name) || own.has(name) || name.startsWith('weft_') ? `${name}_` : name)

/** Whether a kernel may have this name, which the driver looks it up by. */
export const isKernelName = (name: string, own: ReadonlySet<string>): boolean => !takenByFunctions.has(name) && !own.has(name) && !name.startsWith('weft_')
