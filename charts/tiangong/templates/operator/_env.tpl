{{- define "tiangong.operator.env" -}}
- {name: TIANGONG_HOME_NAMESPACE, value: {{ .Release.Namespace }}}
- {name: TIANGONG_NAMESPACES, value: {{ include "tiangong.namespacesList" . | quote }}}
{{- with include "tiangong.hostNamespace" . }}
- {name: TIANGONG_HOST_NAMESPACE, value: {{ . }}}
{{- end }}
{{- if and .Values.rbac.create .Values.policies.create (not .Values.scope.clusterWide) }}
- {name: TIANGONG_HOLD_BINDING, value: {{ include "tiangong.fullname" . }}-operator-hold}
{{- end }}
- {name: TIANGONG_INSTANCE, value: {{ .Release.Name }}}
- {name: TIANGONG_HEALTH_HOST, value: {{ .Values.operator.healthHost | quote }}}
- {name: TIANGONG_HEALTH_PORT, value: "8081"}
- {name: TIANGONG_WORKERS, value: {{ .Values.operator.workers | quote }}}
- {name: LOG_LEVEL, value: {{ .Values.operator.logLevel }}}
- {name: TIANGONG_AGENT_IMAGE, value: {{ include "tiangong.image" (dict "root" . "image" .Values.agents.image) }}}
- {name: TIANGONG_AGENT_IMAGE_PULL_POLICY, value: {{ .Values.image.pullPolicy }}}
{{- with .Values.image.pullSecrets }}
- {name: TIANGONG_AGENT_IMAGE_PULL_SECRETS, value: {{ join "," . | quote }}}
{{- end }}
- {name: TIANGONG_AGENT_SERVICE_ACCOUNT, value: {{ include "tiangong.serviceAccountName" (dict "root" . "component" "agent") }}}
- {name: TIANGONG_AGENT_API_URL, value: {{ include "tiangong.apiUrl" . | quote }}}
{{- with include "tiangong.caConfigMap" . }}
- {name: TIANGONG_AGENT_API_CA_CONFIG_MAP, value: {{ . }}}
{{- end }}
{{- with .Values.operator.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}
