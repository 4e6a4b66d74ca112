// Bitbucket's API 2.0 replies: only the fields that are read, and only as strict as their use needs.
import { z } from 'zod';

const anything = z.unknown().optional();
const literallyTrue = anything.transform((value) => value === true);
const link = z.object({ href: anything }).optional().catch(undefined);

/**
 * The identity key. Strict, because whatever passes here becomes a key: braces, hex, and one spelling. The nil uuid is
 * refused, for a fault that gives it to everybody would make everybody one person.
 */
export const uuid = z
  .string()
  .regex(/^\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}$/i)
  .toLowerCase()
  .refine((value) => value !== '{00000000-0000-0000-0000-000000000000}');

/**
 * `GET /user`. Names and links may be anything: they are cleaned or dropped, never a reason to keep a person out. The
 * type is not: `app_user` is a robot and `team` a workspace, and neither signs in.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-get
 */
export const userReply = z.object({
  type: z.literal('user'),
  uuid,
  account_id: anything,
  username: anything,
  nickname: anything,
  display_name: anything,
  links: z.object({ avatar: link, html: link }).optional().catch(undefined),
});
export type UserReply = z.infer<typeof userReply>;

/**
 * An entry of `GET /user/emails`. The flags count only as the literal `true`: the string "false" is truthy.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-users/#api-user-emails-get
 */
export const emailReply = z.object({
  email: anything,
  is_primary: literallyTrue,
  is_confirmed: literallyTrue,
});
export type EmailReply = z.infer<typeof emailReply>;

/**
 * An entry of `GET /user/workspaces`.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/#api-user-workspaces-get
 */
export const workspaceReply = z.object({
  administrator: literallyTrue,
  workspace: z.object({ uuid, slug: z.string().min(1).max(255) }),
});

/** What somebody may be in a workspace, in Bitbucket's words; `collaborator` is on its way out. */
export const WORKSPACE_ROLES = ['owner', 'create-project', 'collaborator', 'member'] as const;
export type WorkspaceRole = (typeof WORKSPACE_ROLES)[number];

/**
 * `GET /user/workspaces/{workspace}/permission`. A word that is not known is none: it must not pass for a role.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/
 */
export const permissionReply = z.object({
  permission: z.enum(WORKSPACE_ROLES).optional().catch(undefined),
});

/**
 * A page of any list. Atlassian promises `values` and `next` only.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination
 */
export const pageReply = z.object({ values: z.array(z.unknown()), next: z.string().optional() });

/** The 403 that names the scopes the token lacks. */
export const missingScopeReply = z.object({
  error: z.object({
    detail: z.object({
      required: z
        .array(z.string().regex(/^[a-z_]{1,32}(:[a-z_]{1,32}){0,2}$/)) // `repository`, `read:repository:bitbucket`
        .min(1)
        .max(50),
    }),
  }),
});
