import { z } from "zod";

/**
 * What the published JSON schema of SPDX 2.3 and its prose ask of a document like ours: the required fields, the form of ids and
 * dates, that no id is given twice and every relationship leads somewhere.
 */
const Id = z.string().regex(/^SPDXRef-[a-zA-Z0-9.-]+$/);
const Actor = z.string().regex(/^((Organization|Person): \S.*|NOASSERTION)$/);
/** Names of licenses with AND and OR; every name must be on the list of SPDX, which the tests of the names look after. */
const Licence = z.string().regex(/^(NOASSERTION|NONE|[A-Za-z0-9.()+ -]+)$/);

const SpdxPackageSchema = z.strictObject({
  SPDXID: Id,
  name: z.string().min(1),
  versionInfo: z.string().min(1),
  supplier: Actor,
  downloadLocation: z.literal("NOASSERTION"),
  filesAnalyzed: z.literal(false),
  licenseConcluded: Licence,
  licenseDeclared: Licence,
  licenseComments: z.string().optional(),
  copyrightText: z.string(),
  homepage: z.url().optional(),
  primaryPackagePurpose: z.enum(["CONTAINER", "APPLICATION", "LIBRARY"]),
  externalRefs: z
    .array(
      z.strictObject({
        referenceCategory: z.literal("PACKAGE-MANAGER"),
        referenceType: z.literal("purl"),
        referenceLocator: z
          .string()
          .regex(/^pkg:(deb\/debian|npm)\/[a-zA-Z0-9%./_-]+@[A-Za-z0-9.%~_-]+(\?[a-zA-Z0-9=&.%_-]+)?$/),
      }),
    )
    .optional(),
});

export const SpdxSchema = z
  .strictObject({
    spdxVersion: z.literal("SPDX-2.3"),
    dataLicense: z.literal("CC0-1.0"),
    SPDXID: z.literal("SPDXRef-DOCUMENT"),
    name: z.string().min(1),
    documentNamespace: z.string().regex(/^(https?|urn):[^#\s]+$/),
    creationInfo: z.strictObject({
      created: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      creators: z.array(z.string().regex(/^(Organization|Person|Tool): \S/)).min(1),
    }),
    packages: z.array(SpdxPackageSchema).min(1),
    relationships: z.array(
      z.strictObject({
        spdxElementId: Id,
        relationshipType: z.enum(["DESCRIBES", "CONTAINS"]),
        relatedSpdxElement: Id,
      }),
    ),
  })
  .superRefine((document, context) => {
    const complain = (message: string) => context.addIssue({ code: "custom", message });
    const ids = [document.SPDXID, ...document.packages.map((one) => one.SPDXID)];
    for (const id of ids.filter((one, at) => ids.indexOf(one) !== at)) complain(`${id} is given twice`);
    for (const { spdxElementId, relatedSpdxElement } of document.relationships)
      for (const id of [spdxElementId, relatedSpdxElement])
        if (!ids.includes(id)) complain(`a relationship leads to ${id}, which is not there`);
    if (!document.relationships.some((one) => one.relationshipType === "DESCRIBES"))
      complain("the document describes nothing");
    for (const id of ids.slice(1))
      if (!document.relationships.some((one) => one.relatedSpdxElement === id))
        complain(`${id} belongs to nothing`);
  });
