/** Which pages of this browser live: each holds a lock while it does, so that another can take over what it left. */

const CLIENT_KEY = "wangge.client";
const lockName = (client: string): string => `wangge.page.${client}`;

export interface Pages {
  /** The name of this page; it survives a reload. */
  readonly me: string;
  /** Call back once this other page is gone; at once where the browser has no locks (a key counts only once anyway). */
  whenGone(client: string, then: () => void): void;
}

/** Name this page. A page copied from another has that one's name in its memory and takes a new one. */
export async function openPages(
  memory: Pick<Storage, "getItem" | "setItem"> | null,
  locks: LockManager | undefined,
  make: () => string,
): Promise<Pages> {
  const remembered = read(memory);
  let me = remembered ?? make();
  if (locks && !(await hold(locks, me))) {
    me = make();
    await hold(locks, me);
  }
  try {
    memory?.setItem(CLIENT_KEY, me);
  } catch {
    // Without memory the page has a new name after a reload and takes over from its former self.
  }
  return {
    me,
    whenGone(client, then) {
      if (client === me) return;
      if (!locks) return then();
      void locks.request(lockName(client), () => then());
    },
  };
}

function read(memory: Pick<Storage, "getItem"> | null): string | null {
  try {
    return memory?.getItem(CLIENT_KEY) ?? null;
  } catch {
    return null;
  }
}

// Take the lock of a name and keep it for as long as the page lives; false where another page has it.
function hold(locks: LockManager, client: string): Promise<boolean> {
  return new Promise((done) => {
    void locks.request(lockName(client), { ifAvailable: true }, (lock) => {
      done(lock !== null);
      return lock ? new Promise<never>(() => undefined) : undefined;
    });
  });
}

