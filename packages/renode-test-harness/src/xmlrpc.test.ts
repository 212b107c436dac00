import { describe, expect, it } from "vitest";
import { decodeResponse, encodeCall, XmlRpcFault } from "./xmlrpc.js";

const response = (value: string) =>
  `<?xml version="1.0"?>\n<methodResponse>\n <params><param> <value>${value}</value></param></params></methodResponse>`;

describe("xml-rpc", () => {
  it("encodes strings and arrays, and escapes what xml needs escaped", () => {
    expect(encodeCall("run_keyword", ["a<b&c", ["x", ">"]])).toBe(
      '<?xml version="1.0"?><methodCall><methodName>run_keyword</methodName><params>' +
        "<param><value><string>a&#60;b&#38;c</string></value></param>" +
        "<param><value><array><data><value><string>x</string></value><value><string>&#62;</string></value></data></array></value></param>" +
        "</params></methodCall>",
    );
  });

  it.each([
    ["<string>a &lt;&amp;&#x41;&#66;&gt; b</string>", "a <&AB> b"],
    ["bare text", "bare text"],
    ["", ""],
    ["<string/>", ""],
    ["<i4>-7</i4>", -7],
    ["<int>7</int>", 7],
    ["<i8>9007199254740993</i8>", 9007199254740993n],
    ["<double>1.5</double>", 1.5],
    ["<boolean>1</boolean>", true],
    ["<nil/>", null],
    ["<base64>AP9/\n</base64>", Buffer.from([0, 255, 127])],
    ["<array><data><value>a</value><value><int>2</int></value></data></array>", ["a", 2]],
    ["<array><data/></array>", []],
    ["<struct><member><name>status</name><value>PASS</value></member></struct>", { status: "PASS" }],
    ["<struct />", {}],
  ])("decodes %s", (xml, value) => {
    expect(decodeResponse(response(xml))).toEqual(value);
    expect(decodeResponse(response(xml).replace("<params>", "<!-- note --><params>"))).toEqual(value);
  });

  it("throws a fault as such", () => {
    const xml =
      "<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>2</int></value></member>" +
      "<member><name>faultString</name><value>no match</value></member></struct></value></fault></methodResponse>";
    expect(() => decodeResponse(xml)).toThrow(new XmlRpcFault(2, "no match"));
  });

  it("decodes a response without a value as null", () => {
    expect(decodeResponse("<methodResponse><params></params></methodResponse>")).toBeNull();
  });

  it("refuses every reply that is cut off, and other types", () => {
    const whole = response("<struct><member><name>a</name><value><string>b</string></value></member></struct>");
    const needed = whole.indexOf("</value></param>") + "</value>".length;
    for (let length = 0; length < needed; length++) {
      expect(() => decodeResponse(whole.slice(0, length)), whole.slice(0, length)).toThrow(SyntaxError);
    }
    expect(() => decodeResponse(response("<date>x</date>"))).toThrow(/unknown type <date>/);
  });
});
