// Finds the elements of index.html and makes new ones; text goes in as text, never as HTML.

/** @throws Error if index.html has no such element */
export function find<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} with id ${id}`)
  return found
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { text, testId, className }: { text?: string; testId?: string; className?: string } = {},
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag)
  if (text !== undefined) element.textContent = text
  if (testId !== undefined) element.dataset.testid = testId
  if (className !== undefined) element.className = className
  return element
}
