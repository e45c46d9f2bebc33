// The two machine-readable forms of the protocol, ready to be asked: JSON Schema by ajv, CDDL by our validator.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { Cddl } from './cddl.ts'

export interface SchemaNode {
  $ref?: string
  type?: string
  enum?: string[]
  items?: SchemaNode
  minimum?: number
  maximum?: number
  properties?: Record<string, SchemaNode>
  required?: string[]
  oneOf?: SchemaNode[]
}

interface SchemaDocument {
  $defs: Record<string, SchemaNode>
}

const folder = new URL('../schema/', import.meta.url)

export const schema = JSON.parse(
  readFileSync(new URL('chatspec-v1.schema.json', folder), 'utf8'),
) as SchemaDocument
export const cddlPath = fileURLToPath(new URL('chatspec-v1.cddl', folder))
export const cddl = new Cddl(cddlPath)

// `to` and `conv` of a send are required beside their properties, in `oneOf`.
const ajv = new Ajv2020({ strict: true, strictRequired: false }).addSchema(schema, 'chatspec')

/** A validator of one definition of the JSON Schema. */
export function schemaOf(definition: string): ValidateFunction {
  const validate = ajv.getSchema(`chatspec#/$defs/${definition}`)
  if (!validate) throw new Error(`no definition ${definition}`)
  return validate
}

export function definition(name: string): SchemaNode {
  const node = schema.$defs[name]
  if (!node) throw new Error(`no definition ${name}`)
  return node
}

/** The name of the definition that a node, or a list's item, refers to. */
export function referenceIn(node: SchemaNode): string | undefined {
  return (node.$ref ?? node.items?.$ref)?.replace('#/$defs/', '')
}
