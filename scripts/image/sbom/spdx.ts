import type { BundledPackage } from "./bundled-packages.ts";
import type { DebianPackage } from "./debian-packages.ts";

/** A bill of materials in the JSON form of SPDX 2.3. Only what we write. */
export interface SpdxDocument {
  spdxVersion: "SPDX-2.3";
  dataLicense: "CC0-1.0";
  SPDXID: "SPDXRef-DOCUMENT";
  name: string;
  documentNamespace: string;
  creationInfo: { created: string; creators: string[] };
  packages: SpdxPackage[];
  relationships: { spdxElementId: string; relationshipType: string; relatedSpdxElement: string }[];
}

interface SpdxPackage {
  SPDXID: string;
  name: string;
  versionInfo: string;
  supplier: string;
  downloadLocation: string;
  filesAnalyzed: false;
  licenseConcluded: string;
  licenseDeclared: string;
  licenseComments?: string;
  copyrightText: string;
  homepage?: string;
  primaryPackagePurpose: "CONTAINER" | "APPLICATION" | "LIBRARY";
  externalRefs?: { referenceCategory: "PACKAGE-MANAGER"; referenceType: "purl"; referenceLocator: string }[];
}

export interface ImageParts {
  image: string;
  version: string;
  created: Date;
  debian: readonly DebianPackage[];
  runtime: BundledPackage;
  bundled: readonly BundledPackage[];
  /** Our executables in it, which hold these together; the agent alone when not said. */
  programs?: readonly string[];
}

const NONE = "NOASSERTION";
const PRODUCER = "Organization: Windshift";
/** As in a package URL: which release the packages are of. */
const DISTRO = "debian-12";

/** The programs of a release, which all hold the runtime and together what was bundled from the registry. */
export function programsDocument(parts: {
  name: string;
  version: string;
  created: Date;
  /** Names the document for good: the same for the same release. */
  namespace: string;
  programs: readonly string[];
  packages: readonly BundledPackage[];
}): SpdxDocument {
  const programs = parts.programs.map((name) => ours(`program-${name}`, name, parts.version, "APPLICATION"));
  const packages = parts.packages.map(registryPackage);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: parts.name,
    documentNamespace: parts.namespace,
    creationInfo: {
      created: parts.created.toISOString().replace(/\.\d+Z$/, "Z"),
      creators: [PRODUCER, `Tool: windshift-release-${parts.version}`],
    },
    packages: [...programs, ...packages],
    relationships: programs.flatMap((program) => [
      related("SPDXRef-DOCUMENT", "DESCRIBES", program.SPDXID),
      ...packages.map((one) => related(program.SPDXID, "CONTAINS", one.SPDXID)),
    ]),
  };
}

/** The image holds Debian's packages and our executables, which hold the runtime and what was bundled from the registry. */
export function spdxDocument(parts: ImageParts): SpdxDocument {
  const image = ours("image", parts.image, parts.version, "CONTAINER");
  const programs = (parts.programs ?? ["windshift-agent"]).map((name) =>
    ours(name, name, parts.version, "APPLICATION"),
  );
  const debian = parts.debian.map(debianPackage);
  const bundled = [parts.runtime, ...parts.bundled].map(registryPackage);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: parts.image,
    documentNamespace: `urn:uuid:${crypto.randomUUID()}`,
    creationInfo: {
      created: parts.created.toISOString().replace(/\.\d+Z$/, "Z"),
      creators: [PRODUCER, `Tool: windshift-image-${parts.version}`],
    },
    packages: [image, ...programs, ...debian, ...bundled],
    relationships: [
      related("SPDXRef-DOCUMENT", "DESCRIBES", image.SPDXID),
      ...[...programs, ...debian].map((one) => related(image.SPDXID, "CONTAINS", one.SPDXID)),
      ...programs.flatMap((program) => bundled.map((one) => related(program.SPDXID, "CONTAINS", one.SPDXID))),
    ],
  };
}

function ours(
  id: string,
  name: string,
  version: string,
  purpose: SpdxPackage["primaryPackagePurpose"],
): SpdxPackage {
  return {
    SPDXID: `SPDXRef-${id}`,
    name,
    versionInfo: version,
    supplier: PRODUCER,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    // An image is under the licenses of all it holds.
    licenseDeclared: purpose === "CONTAINER" ? NONE : "Apache-2.0",
    copyrightText: NONE,
    primaryPackagePurpose: purpose,
  };
}

function debianPackage(one: DebianPackage): SpdxPackage {
  const purl = `pkg:deb/debian/${encodeURIComponent(one.name)}@${encodeURIComponent(one.version)}?arch=${one.architecture}&distro=${DISTRO}`;
  return {
    SPDXID: spdxId("deb", `${one.name}-${one.architecture}`),
    name: one.name,
    versionInfo: one.version,
    supplier: `Organization: ${one.maintainer || "Debian"}`,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: one.licence ?? NONE,
    ...(one.licence !== null || one.licenceNames.length === 0
      ? {}
      : { licenseComments: `Debian's copyright file names: ${one.licenceNames.join("; ")}` }),
    copyrightText: NONE,
    ...(/^https?:\/\/\S+$/.test(one.homepage) ? { homepage: one.homepage } : {}),
    primaryPackagePurpose: "LIBRARY",
    externalRefs: [
      packageUrl(`${purl}${one.source === one.name ? "" : `&upstream=${encodeURIComponent(one.source)}`}`),
    ],
  };
}

function registryPackage(one: BundledPackage): SpdxPackage {
  return {
    // Two versions of one package may be in one program.
    SPDXID: spdxId("npm", `${one.name}-${one.version}`),
    name: one.name,
    versionInfo: one.version,
    supplier: NONE,
    downloadLocation: NONE,
    filesAnalyzed: false,
    licenseConcluded: NONE,
    licenseDeclared: one.licence,
    copyrightText: NONE,
    primaryPackagePurpose: "LIBRARY",
    externalRefs: [packageUrl(`pkg:npm/${one.name.replace("@", "%40")}@${encodeURIComponent(one.version)}`)],
  };
}

/** An id may hold letters, digits, points and hyphens; every other character becomes its code, so that no two ids meet. */
function spdxId(kind: string, name: string): string {
  return `SPDXRef-${kind}-${name.replace(/[^A-Za-z0-9-]/g, (character) => `.${character.codePointAt(0)}.`)}`;
}

function packageUrl(locator: string) {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: locator } as const;
}

function related(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
