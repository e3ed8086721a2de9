{{/* The chart's name, for the label app.kubernetes.io/name. */}}
{{- define "tiangong.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What names begin with: the release's name when it contains the chart's, else both. 40 characters at most, so that every suffix fits into a label. */}}
{{- define "tiangong.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The labels of any object: (dict "root" . "component" "api"), or without a component. */}}
{{- define "tiangong.labels" -}}
{{ include "tiangong.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: tiangong
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels that select a component's pods; they never change over upgrades. */}}
{{- define "tiangong.selectorLabels" -}}
app.kubernetes.io/name: {{ include "tiangong.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* The ServiceAccount of a component: (dict "root" . "component" "api"). */}}
{{- define "tiangong.serviceAccountName" -}}
{{- printf "%s-%s" (include "tiangong.fullname" .root) .component -}}
{{- end -}}

{{/* The namespace of agents with access to their hosts; empty when there is none. */}}
{{- define "tiangong.hostNamespace" -}}
{{- if .Values.agents.hostAccess.enabled -}}
{{- default (printf "%s-host" .Release.Namespace) .Values.agents.hostAccess.namespace -}}
{{- end -}}
{{- end -}}

{{/* The namespaces whose tasks and syncs are looked after, as a JSON array, the home namespace first: `include … | fromJsonArray`. Not for scope.clusterWide. */}}
{{- define "tiangong.watchedNamespaces" -}}
{{- prepend (without .Values.scope.namespaces .Release.Namespace | uniq) .Release.Namespace | toJson -}}
{{- end -}}
