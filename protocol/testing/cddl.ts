// A small validator for the part of CDDL (RFC 8610) that chatspec-v1.cddl uses; the package `cddl` only parses.
import { type Assignment, type Group, type Operator, type Property, type PropertyType, parse } from 'cddl'

type Definition = Assignment | PropertyType | PropertyType[]
type CddlMap = Readonly<Record<string, unknown>>

export interface CddlField {
  name: string
  optional: boolean
}

export class Cddl {
  readonly rules: ReadonlyMap<string, Assignment>

  constructor(path: string) {
    this.rules = new Map(parse(path).map((rule) => [rule.Name, rule]))
  }

  /** The named fields of a map, alternatives as optional ones. */
  fields(name: string): CddlField[] {
    const rule = this.rule(name)
    if (rule.Type !== 'group') throw new Error(`${name} is no map`)
    return rule.Properties.flatMap(alternatives).flatMap((property) => {
      const inner = inlineGroup(property)
      if (inner)
        return inner.Properties.flatMap(alternatives).map(({ Name }) => ({ name: Name, optional: true }))
      return property.HasCut ? [{ name: property.Name, optional: property.Occurrence.n === 0 }] : []
    })
  }

  /** The rules that `name = a / b / c` names. */
  choices(name: string): string[] {
    const rule = this.rule(name)
    if (rule.Type !== 'variable') throw new Error(`${name} is no choice`)
    return [rule.PropertyType].flat().map((type) => (isReference(type) ? String(type.Value) : String(type)))
  }

  accepts(name: string, value: unknown): boolean {
    return this.matches(this.rule(name), value)
  }

  private rule(name: string): Assignment {
    const rule = this.rules.get(name)
    if (!rule) throw new Error(`no rule ${name}`)
    return rule
  }

  private matches(type: Definition, value: unknown): boolean {
    if (Array.isArray(type)) return type.some((choice) => this.matches(choice, value))
    if (typeof type === 'string') return matchesNative(type, value)
    if ('Properties' in type) return isMap(value) && this.matchesMap(type.Properties, value)
    if ('PropertyType' in type) return this.matches(type.PropertyType, value)
    if ('Values' in type) return this.matchesList(type.Values.flatMap(alternatives), value)
    if ('Value' in type) return this.matchesReference(type.Type, type.Value, value)
    const { Type: base, Operator: operator } = type
    return this.matches(base, value) && (operator === undefined || matchesOperator(operator, value))
  }

  private matchesReference(kind: string, target: unknown, value: unknown): boolean {
    if (kind === 'literal') return value === target
    if (kind === 'group') return this.accepts(target as string, value)
    if (kind === 'range') return Number.isInteger(value) && isWithin(target, value as number)
    throw new Error(`${kind} is beyond this validator`)
  }

  /** Lists of one repeated type are all that is used. */
  private matchesList(items: Property[], value: unknown): boolean {
    const [item] = items
    if (!item || items.length > 1) throw new Error('a list of several items is beyond this validator')
    const { n, m } = item.Occurrence
    return (
      Array.isArray(value) &&
      value.length >= n &&
      value.length <= (m ?? Number.POSITIVE_INFINITY) &&
      value.every((one) => this.matches(item.Type, one))
    )
  }

  private matchesMap(members: (Property | Property[])[], map: CddlMap): boolean {
    const rest = new Set(Object.keys(map))
    const wildcards: Property[] = []
    for (const member of members.flatMap(alternatives)) {
      const choice = inlineGroup(member)
      if (choice) {
        const taken = choice.Properties.flatMap(alternatives).find(({ Name }) => rest.has(Name))
        if (!taken || !this.matches(taken.Type, map[taken.Name])) return false
        rest.delete(taken.Name)
      } else if (!member.HasCut) wildcards.push(member)
      // A cut: once the key is there, its value decides, and no wildcard catches it.
      else if (rest.delete(member.Name)) {
        if (!this.matches(member.Type, map[member.Name])) return false
      } else if (member.Occurrence.n > 0) return false
    }
    return this.matchesWildcards(wildcards, rest, map)
  }

  private matchesWildcards(wildcards: Property[], rest: Set<string>, map: CddlMap): boolean {
    for (const { Name, Type, Occurrence } of wildcards) {
      const keyType: Definition = this.rules.get(Name) ?? Name
      const taken = [...rest].filter((key) => this.matches(keyType, key) && this.matches(Type, map[key]))
      if (taken.length > (Occurrence.m ?? Number.POSITIVE_INFINITY)) return false
      for (const key of taken) rest.delete(key)
    }
    return rest.size === 0
  }
}

function alternatives(property: Property | Property[]): Property[] {
  return [property].flat()
}

function inlineGroup({ Name, Type }: Property): Group | undefined {
  return Name === '' && !Array.isArray(Type) && typeof Type === 'object' && 'Properties' in Type
    ? Type
    : undefined
}

function isReference(type: PropertyType): type is Extract<PropertyType, { Value: unknown }> {
  return typeof type === 'object' && 'Value' in type
}

function isMap(value: unknown): value is CddlMap {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  )
}

function matchesNative(type: string, value: unknown): boolean {
  switch (type) {
    case 'any':
      return true
    case 'text':
      return typeof value === 'string'
    case 'bytes':
      return value instanceof Uint8Array
    case 'bool':
      return typeof value === 'boolean'
    default:
      throw new Error(`${type} is beyond this validator`)
  }
}

function matchesOperator({ Type, Value }: Operator, value: unknown): boolean {
  if (!isReference(Value) || typeof value !== 'string') throw new Error('an operator beyond this validator')
  if (Type === 'regexp') return new RegExp(`^(?:${String(Value.Value)})$`, 'u').test(value)
  if (Type === 'size') return isWithin(Value.Value, Buffer.byteLength(value))
  throw new Error(`.${Type} is beyond this validator`)
}

function isWithin(range: unknown, value: number): boolean {
  const { Min, Max } = range as { Min: { Value: number }; Max: { Value: number } }
  return value >= Min.Value && value <= Max.Value
}
