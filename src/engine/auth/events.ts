/** What the store of users and roles did. `revision` is its own, not the keys'. */
export type AuthEvent =
  | { readonly type: 'auth.enable'; readonly revision: number }
  | { readonly type: 'auth.disable'; readonly revision: number }
  /** A user came, changed or went; `roles` is empty for one that went. */
  | {
      readonly type: 'auth.user';
      readonly name: string;
      readonly change: 'add' | 'password' | 'roles' | 'delete';
      readonly roles: readonly string[];
      readonly revision: number;
    }
  | {
      readonly type: 'auth.role';
      readonly name: string;
      readonly change: 'add' | 'permissions' | 'delete';
      readonly permissionCount: number;
      readonly revision: number;
    }
  /** A user has got a token. */
  | { readonly type: 'auth.token'; readonly name: string; readonly tokenCount: number }
  /** A password was hashed: so many rounds, as a power of two. */
  | { readonly type: 'auth.hash'; readonly cost: number };
