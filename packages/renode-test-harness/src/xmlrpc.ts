/**
 * As much of XML-RPC as Renode's robot server speaks, without a library: `run_keyword(name, string[])` out; struct,
 * array, string, int, double, boolean, base64 and fault back.
 */
export type XmlRpcValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Buffer
  | XmlRpcValue[]
  | { [name: string]: XmlRpcValue };

/** A `<fault>`: the server did not run the call at all (unknown keyword, arguments that match no signature). */
export class XmlRpcFault extends Error {
  override readonly name = "XmlRpcFault";
  constructor(
    readonly faultCode: number,
    readonly faultString: string,
  ) {
    super(`${faultString} (fault ${faultCode})`);
  }
}

export function encodeCall(method: string, params: readonly (string | readonly string[])[]): string {
  const encode = (value: string | readonly string[]): string =>
    typeof value === "string"
      ? `<value><string>${escapeXml(value)}</string></value>`
      : `<value><array><data>${value.map(encode).join("")}</data></array></value>`;
  const body = params.map((param) => `<param>${encode(param)}</param>`).join("");
  return `<?xml version="1.0"?><methodCall><methodName>${escapeXml(method)}</methodName><params>${body}</params></methodCall>`;
}

/**
 * @returns the value of a `<methodResponse>`
 * @throws XmlRpcFault for a fault, SyntaxError for anything that is not a response
 */
export function decodeResponse(xml: string): XmlRpcValue {
  const reader = new Reader(xml);
  reader.expect("methodResponse");
  if (reader.tryOpen("fault")) {
    const fault = reader.value();
    if (!isStruct(fault)) throw new SyntaxError("xml-rpc fault is not a struct");
    throw new XmlRpcFault(Number(fault["faultCode"]), String(fault["faultString"]));
  }
  reader.expect("params");
  if (reader.tryOpen("param")) return reader.value();
  reader.close("params");
  return null;
}

export function isStruct(value: XmlRpcValue | undefined): value is { [name: string]: XmlRpcValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value);
}

/** Tags and text of a document, one after another; attributes, comments and declarations are skipped. */
class Reader {
  #at = 0;
  constructor(readonly xml: string) {}

  value(): XmlRpcValue {
    const open = this.#tag("value");
    if (open.empty) return "";
    const text = this.#text();
    if (this.#peek() === "/value") {
      this.close("value");
      return text;
    }
    const type = this.#tag();
    const result = type.empty ? emptyOf(type.name) : this.#typed(type.name);
    this.close("value");
    return result;
  }

  expect(name: string): void {
    this.#tag(name);
  }

  /** Leaves `<name>`. */
  close(name: string): void {
    const tag = /\s*<\/([\w.]+)\s*>/y;
    tag.lastIndex = this.#at;
    if (tag.exec(this.xml)?.[1] !== name) throw new SyntaxError(`xml-rpc reply: <${name}> is not closed`);
    this.#at = tag.lastIndex;
  }

  /** Enters `<name>` if it is next; an empty `<name/>` counts as absent. */
  tryOpen(name: string): boolean {
    if (this.#peek() !== name) return false;
    return !this.#tag(name).empty;
  }

  #typed(type: string): XmlRpcValue {
    if (type === "struct") return this.#struct();
    if (type === "array") return this.#array();
    const text = this.#text();
    this.close(type);
    return scalar(type, text);
  }

  #struct(): XmlRpcValue {
    const result: { [name: string]: XmlRpcValue } = {};
    while (this.tryOpen("member")) {
      this.expect("name");
      const name = this.#text();
      this.close("name");
      result[name] = this.value();
      this.close("member");
    }
    this.close("struct");
    return result;
  }

  #array(): XmlRpcValue {
    const result: XmlRpcValue[] = [];
    if (this.tryOpen("data")) {
      while (this.#peek() === "value") result.push(this.value());
      this.close("data");
    }
    this.close("array");
    return result;
  }

  #text(): string {
    const end = this.xml.indexOf("<", this.#at);
    if (end < 0) throw new SyntaxError("xml-rpc reply ends in the middle of a value");
    const text = unescapeXml(this.xml.slice(this.#at, end));
    this.#at = end;
    return text;
  }

  #peek(): string {
    const tag = /\s*(?:<[?!][^>]*>\s*)*<(\/?[\w.]+)/y;
    tag.lastIndex = this.#at;
    return tag.exec(this.xml)?.[1] ?? "";
  }

  #tag(wanted?: string): { name: string; empty: boolean } {
    const tag = /\s*(?:<[?!][^>]*>\s*)*<([\w.]+)[^>]*?(\/?)>/y;
    tag.lastIndex = this.#at;
    const found = tag.exec(this.xml);
    if (found === null || (wanted !== undefined && found[1] !== wanted)) {
      const near = this.xml.slice(this.#at, this.#at + 60);
      throw new SyntaxError(`xml-rpc reply: expected <${wanted ?? "type"}>, found ${JSON.stringify(near)}`);
    }
    this.#at = tag.lastIndex;
    return { name: found[1], empty: found[2] === "/" };
  }
}

function scalar(type: string, text: string): XmlRpcValue {
  switch (type) {
    case "string":
    case "dateTime.iso8601":
      return text;
    case "int":
    case "i4":
    case "double":
      return Number(text);
    case "i8":
      return BigInt(text.trim());
    case "boolean":
      return text.trim() === "1";
    case "base64":
      return Buffer.from(text, "base64");
    case "nil":
      return null;
    default:
      throw new SyntaxError(`xml-rpc reply: unknown type <${type}>`);
  }
}

function emptyOf(type: string): XmlRpcValue {
  if (type === "struct") return {};
  if (type === "array") return [];
  if (type === "base64") return Buffer.alloc(0);
  return type === "nil" ? null : "";
}

const ENTITIES: { [name: string]: string } = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(#x?)?(\w+);/g, (whole, numeric: string | undefined, name: string) => {
    if (numeric !== undefined) return String.fromCodePoint(Number.parseInt(name, numeric === "#x" ? 16 : 10));
    return ENTITIES[name] ?? whole;
  });
}

function escapeXml(text: string): string {
  return text.replace(/[&<>\r]/g, (found) => `&#${found.charCodeAt(0)};`);
}
