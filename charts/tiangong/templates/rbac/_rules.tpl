{{/*
The rules of a role: (dict "root" . "rules" list), one for each line of files/rbac.yaml that holds here; empty when none does.
*/}}
{{- define "tiangong.rbac.rules" -}}
{{- $root := .root -}}
{{- $holds := dict
  "hostAccess" $root.Values.agents.hostAccess.enabled
  "policies" $root.Values.policies.create
  "tasksServiceAccount" $root.Values.tasks.serviceAccount.create
-}}
{{- range .rules }}
{{- if or (not .when) (get $holds (.when | default "")) }}
- apiGroups: [{{ .group | quote }}]
  resources: {{ .resources | toJson }}
  {{- with .names }}
  resourceNames:
    {{- range . }}
    - {{ . | replace "<fullname>" (include "tiangong.fullname" $root) }}
    {{- end }}
  {{- end }}
  verbs: {{ .verbs | toJson }}
{{- end }}
{{- end }}
{{- end -}}

{{/* What cluster-wide objects of this release are called: two releases of one name may be in two namespaces. */}}
{{- define "tiangong.clusterName" -}}
{{- printf "%s.%s" (include "tiangong.fullname" .) .Release.Namespace -}}
{{- end -}}

{{/* Who has the role of a component: (dict "root" . "component" "agent"). Agents with access to their hosts are in a namespace of their own. */}}
{{- define "tiangong.rbac.subjects" -}}
{{- $root := .root -}}
{{- $namespaces := list $root.Release.Namespace -}}
{{- with include "tiangong.hostNamespace" $root }}
{{- if eq $.component "agent" }}{{ $namespaces = append $namespaces . }}{{ end }}
{{- end -}}
{{- range $namespaces }}
- kind: ServiceAccount
  name: {{ include "tiangong.serviceAccountName" $ }}
  namespace: {{ . }}
{{- end }}
{{- end -}}
