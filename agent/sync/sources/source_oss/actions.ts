import type { ActionInput, ActionResult, DriverAction, FieldsSchema } from '../../driver-action.ts';
import { SourceError } from '../../source.ts';
import type { SourceDriver } from '../../source.ts';
import { Bucket } from './bucket.ts';
import { readSettings } from './settings.ts';
import type { OssSettings } from './settings.ts';

const FIELDS: FieldsSchema = {
  properties: {
    file_path: { type: 'string', column_index: 0 },
    size: { type: 'integer', column_index: 1 },
    modified_time: { type: 'number', column_index: 2 },
    etag: { type: 'string', column_index: 3 },
  },
};

const testConnection = onBucket(({ bucket }) => `连接成功，存储桶 '${bucket}' 可访问。`);
const checkPrivileges = onBucket(({ bucket }) => `权限充足：可以列出存储桶 '${bucket}' 的对象。`);

const discoverFields: DriverAction = () => {
  const message = `成功发现 ${String(Object.keys(FIELDS.properties).length)} 个可用字段。`;
  return Promise.resolve({ success: true, message, fields: FIELDS });
};

export const actions: SourceDriver['actions'] = {
  test_connection: testConnection,
  check_privileges: checkPrivileges,
  discover_fields_no_cache: discoverFields,
};

/** All that a source does is to list. */
function onBucket(message: (settings: OssSettings) => string): DriverAction {
  return async (input: ActionInput, signal): Promise<ActionResult> => {
    let bucket: Bucket | undefined;
    try {
      const settings = readSettings({ ...input, uri: input.uri ?? '' });
      bucket = new Bucket(settings);
      await bucket.list({}, 1, signal);
      return { success: true, message: message(settings) };
    } catch (err) {
      if (!(err instanceof SourceError)) throw err;
      return { success: false, message: err.message };
    } finally {
      await bucket?.close();
    }
  };
}
