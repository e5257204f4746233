/** A choice that this browser remembers. In a frame storage may be forbidden: then it lasts as long as the page. */
export function readStored(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null // Storage is forbidden here.
  }
}

export function writeStored(key: string, value: string): void {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Storage is forbidden here; the choice holds until the page is left.
  }
}
