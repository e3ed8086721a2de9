/**
 * The media types that errors name. Protobuf is among them because the real server's errors name it; here clients that
 * ask for it get the JSON that they also accept.
 */
export const MEDIA_TYPES = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'] as const;
