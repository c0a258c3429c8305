/** The unit in which weights are read and decoded. */

/** Elements that are decoded together: the unit of every vector schedule. */
export const runElements = 32
