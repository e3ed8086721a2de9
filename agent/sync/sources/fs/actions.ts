import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { ActionInput, ActionResult, DriverAction, FieldsSchema } from '../../driver-action.ts';
import { SourceError } from '../../source.ts';
import type { SourceDriver } from '../../source.ts';
import { readSettings } from './settings.ts';

/** Facts §1.9. */
const FIELDS: FieldsSchema = {
  properties: {
    file_path: { type: 'string', column_index: 0 },
    size: { type: 'integer', column_index: 1 },
    modified_time: { type: 'number', column_index: 2 },
    created_time: { type: 'number', column_index: 3 },
  },
};

const testConnection = onFolder(async (root) => {
  const wrong = await whyUnusable(root);
  return wrong === undefined ? succeeded('连接成功，路径有效且可读。') : failed(wrong);
});

const checkPrivileges = onFolder(async (root) => {
  const wrong = await whyUnusable(root);
  return wrong === undefined ? succeeded(`权限充足：当前用户 '${userName()}' 可以监控该目录。`) : failed(wrong);
});

const discoverFields: DriverAction = async () => {
  const count = Object.keys(FIELDS.properties).length;
  return { success: true, message: `成功发现 ${count} 个可用字段。`, fields: FIELDS };
};

export const actions: SourceDriver['actions'] = {
  test_connection: testConnection,
  check_privileges: checkPrivileges,
  discover_fields_no_cache: discoverFields,
};

/** An action on the folder that the wizard names. */
function onFolder(check: (root: string) => Promise<ActionResult>): DriverAction {
  return async ({ uri, path, driverParams, mayRead }: ActionInput) => {
    const named = uri ?? path;
    if (named === undefined || named === '') return failed("缺少 'uri' 参数");
    try {
      const { root } = readSettings({ uri: named, driverParams });
      // Not even whether it is there is told of what tasks may not use.
      if ((await mayRead?.(root)) === false) return failed(`没有读取权限: ${root}`);
      return await check(root);
    } catch (err) {
      if (!(err instanceof SourceError)) throw err;
      return failed(err.message);
    }
  };
}

/** Undefined: it can be listed and gone into. */
async function whyUnusable(root: string): Promise<string | undefined> {
  try {
    if (!(await stat(root)).isDirectory()) return `路径不是一个目录: ${root}`;
    await access(root, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (err) {
    const { code } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT') return `路径不存在: ${root}`;
    if (code === 'ENOTDIR') return `路径不是一个目录: ${root}`;
    if (code === 'EACCES' || code === 'EPERM') return `没有读取权限: ${root}`;
    throw err;
  }
}

/** A user without an entry in passwd, as in a container, is known by its number. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.());
  }
}

function succeeded(message: string): ActionResult {
  return { success: true, message };
}

function failed(message: string): ActionResult {
  return { success: false, message };
}
