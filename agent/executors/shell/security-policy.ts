import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';

export type Verdict =
  { readonly allowed: true; readonly reason: string } | { readonly allowed: false; readonly reason: string };

interface Rule {
  readonly pattern: RegExp;
  readonly reason: string;
}

/** Variables that change which program a word of a command names, or what a shell runs before it. */
const STEERING_VARIABLES =
  /^(PATH|IFS|ENV|BASH_ENV|BASH_FUNC.*|SHELLOPTS|BASHOPTS|PROMPT_COMMAND|PS4|LD_.*|PYTHON.*|PERL5?.*|NODE_OPTIONS)$/;

/**
 * Which shell commands an agent runs: its own file of patterns, in the original's format. Blocked patterns always count,
 * allowed ones when `command_whitelist_enabled` is set. Patterns see the command as text: they keep honest people from
 * mistakes; they are no sandbox.
 */
export class SecurityPolicy {
  readonly #allowed: readonly Rule[] | undefined;
  readonly #blocked: readonly Rule[];

  private constructor(allowed: readonly Rule[] | undefined, blocked: readonly Rule[]) {
    this.#allowed = allowed;
    this.#blocked = blocked;
  }

  /** Throws when the text is no policy, naming the rule at fault: a policy that is half understood protects nobody. */
  static parse(yaml: string, source: string): SecurityPolicy {
    const file = load(yaml);
    if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new Error(`${source}: must be a map`);
    const known = ['command_whitelist_enabled', 'allowed_commands', 'blocked_patterns'];
    const unknown = Object.keys(file).find((key) => !known.includes(key));
    if (unknown !== undefined) throw new Error(`${source}: unknown setting ${unknown}; known are ${known.join(', ')}`);
    const settings = file as Record<string, unknown>;
    const enabled = settings['command_whitelist_enabled'] ?? false;
    if (typeof enabled !== 'boolean') throw new Error(`${source}: command_whitelist_enabled must be true or false`);
    const allowed = rules(settings['allowed_commands'], 'description', `${source}: allowed_commands`);
    const blocked = rules(settings['blocked_patterns'], 'reason', `${source}: blocked_patterns`);
    return new SecurityPolicy(enabled ? allowed : undefined, blocked);
  }

  static readFile(path: string): SecurityPolicy {
    return SecurityPolicy.parse(readFileSync(path, 'utf8'), path);
  }

  /** Decides on a command and on what the task sets beside it. */
  check(command: string, params: Readonly<Record<string, unknown>>): Verdict {
    const blocked = this.#blocked.find(({ pattern }) => pattern.test(command));
    if (blocked !== undefined) return deny(`command blocked by security policy: ${blocked.reason}`);
    if (this.#allowed === undefined) return { allowed: true, reason: 'no blocked pattern matches' };
    const rule = this.#allowed.find(({ pattern }) => pattern.test(command));
    if (rule === undefined) return deny(`command not in whitelist: ${JSON.stringify(command)}`);
    if (params['shell'] !== undefined) return deny('params.shell may not be set while the whitelist is enabled');
    const env = typeof params['env'] === 'object' && params['env'] !== null ? Object.keys(params['env']) : [];
    const steering = env.find((name) => STEERING_VARIABLES.test(name));
    if (steering !== undefined) return deny(`params.env.${steering} may not be set while the whitelist is enabled`);
    return { allowed: true, reason: rule.reason };
  }
}

const deny = (reason: string): Verdict => ({ allowed: false, reason });

function rules(value: unknown, note: 'description' | 'reason', where: string): Rule[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error(`${where} must be a list`);
  return value.map((item: unknown, index) => {
    const rule = (typeof item === 'object' && item !== null ? item : {}) as Record<string, unknown>;
    const pattern = rule['pattern'];
    if (typeof pattern !== 'string' || pattern === '') throw new Error(`${where}[${index}] needs a pattern`);
    const reason = rule[note];
    return { pattern: compile(pattern, `${where}[${index}]`), reason: typeof reason === 'string' ? reason : pattern };
  });
}

/** The original's patterns are Go's: flags may stand at the beginning. */
function compile(pattern: string, where: string): RegExp {
  const flags = /^\(\?([ims]+)\)/.exec(pattern);
  try {
    return flags === null ? new RegExp(pattern) : new RegExp(pattern.slice(flags[0].length), flags[1]);
  } catch (err) {
    throw new Error(`${where} is no regular expression: ${pattern}`, { cause: err });
  }
}
