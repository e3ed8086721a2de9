{{- define "tiangong.api.env" -}}
- {name: TIANGONG_API_HOST, value: {{ .Values.api.host | quote }}}
- {name: TIANGONG_API_PORT, value: "8080"}
- {name: TIANGONG_METRICS_PORT, value: "9090"}
- {name: TIANGONG_AUTH, value: kubernetes}
- {name: TIANGONG_HOME_NAMESPACE, value: {{ .Release.Namespace }}}
- {name: TIANGONG_NAMESPACES, value: {{ include "tiangong.namespacesList" . | quote }}}
- {name: TIANGONG_AGENT_SERVICE_ACCOUNT, value: {{ include "tiangong.serviceAccountName" (dict "root" . "component" "agent") }}}
{{- with include "tiangong.hostNamespace" . }}
- {name: TIANGONG_HOST_NAMESPACE, value: {{ . }}}
{{- end }}
- {name: TIANGONG_DATA, value: /var/lib/tiangong}
- {name: TIANGONG_STORE_MAX_BYTES, value: {{ .Values.store.maxBytes | int64 | quote }}}
- {name: TIANGONG_MAX_FILE_BYTES, value: {{ .Values.api.maxFileBytes | int64 | quote }}}
- {name: TIANGONG_TASK_TTL, value: {{ .Values.api.taskTtlSeconds | int64 | quote }}}
- {name: LOG_LEVEL, value: {{ .Values.api.logLevel }}}
{{- with .Values.api.corsOrigins }}
- {name: TIANGONG_CORS_ORIGINS, value: {{ join "," . | quote }}}
{{- end }}
{{- if .Values.api.tls.enabled }}
- {name: TIANGONG_TLS_CERT_FILE, value: /etc/tiangong/tls/tls.crt}
- {name: TIANGONG_TLS_KEY_FILE, value: /etc/tiangong/tls/tls.key}
{{- end }}
{{- with .Values.store.s3 }}
{{- if .bucket }}
- {name: TIANGONG_S3_BUCKET, value: {{ .bucket | quote }}}
- {name: TIANGONG_S3_PREFIX, value: {{ .prefix | quote }}}
- {name: TIANGONG_S3_REGION, value: {{ .region | quote }}}
{{- with .endpoint }}
- {name: TIANGONG_S3_ENDPOINT, value: {{ . | quote }}}
{{- end }}
- {name: TIANGONG_S3_PATH_STYLE, value: {{ .pathStyle | quote }}}
{{- if .existingSecret }}
{{- range $key := list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" }}
- name: {{ $key }}
  valueFrom:
    secretKeyRef: {name: {{ $.Values.store.s3.existingSecret }}, key: {{ $key }}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.api.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
