/** A tool that is here or could be fetched, or why it cannot be had: whoever lacks it can do without. */
export type Found<Tool> = Tool | { readonly missing: string }
