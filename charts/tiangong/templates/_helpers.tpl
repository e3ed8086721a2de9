{{/*
What names begin with: the release's name when it contains the chart's, else both. 40 characters at most, so that every suffix fits into a label;
without dots, which names of Services may not have. ServiceAccounts `agent-…` of the home namespace are agents on bare hosts, so none of the
chart's may be called so.
*/}}
{{- define "tiangong.fullname" -}}
{{- $name := .Values.fullnameOverride -}}
{{- if not $name -}}
{{- $name = replace "." "-" .Release.Name -}}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end -}}
{{- end -}}
{{- $name = $name | trunc 40 | trimSuffix "-" -}}
{{- if or (eq $name "agent") (hasPrefix "agent-" $name) -}}
{{- fail (printf "names of the release may not be agent, or begin with agent-, which are those of bare hosts: %s is; set fullnameOverride" $name) -}}
{{- end -}}
{{- if regexMatch "^[0-9]" $name -}}
{{- fail (printf "names of the release must begin with a letter, as those of Services do: %s does not; set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
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
app.kubernetes.io/name: {{ .root.Chart.Name }}
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

{{/* The namespaces to look after, as the programs are told: names with commas, or an asterisk. */}}
{{- define "tiangong.namespacesList" -}}
{{- if .Values.scope.clusterWide }}*{{ else }}{{ include "tiangong.watchedNamespaces" . | fromJsonArray | join "," }}{{ end -}}
{{- end -}}

{{/* An image: (dict "root" . "image" .Values.api.image). */}}
{{- define "tiangong.image" -}}
{{- $name := trimPrefix "/" (printf "%s/%s" (trimSuffix "/" .root.Values.image.repository) .image.name) -}}
{{- with .image.digest -}}
{{- printf "%s@%s" $name . -}}
{{- else -}}
{{- printf "%s:%s" $name (default .root.Chart.AppVersion .root.Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "tiangong.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Where the API is for pods of the cluster. */}}
{{- define "tiangong.apiUrl" -}}
{{- printf "%s://%s-api.%s.svc:%d" (.Values.api.tls.enabled | ternary "https" "http") (include "tiangong.fullname" .) .Release.Namespace (int .Values.api.service.port) -}}
{{- end -}}

{{/* The Secret with the API's certificate. */}}
{{- define "tiangong.tlsSecret" -}}
{{- default (printf "%s-api-tls" (include "tiangong.fullname" .)) .Values.api.tls.existingSecret -}}
{{- end -}}

{{/* What every pod of the chart has: nothing of it needs root, or to write to its own image. */}}
{{- define "tiangong.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "tiangong.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Where the pods of a component run: (dict "root" . "component" "api" "values" .Values.api). */}}
{{- define "tiangong.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- with .values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "tiangong.selectorLabels" . | nindent 8 }}
  {{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* The CA of a certificate that is not the chart's, as PEM; empty when it is not known, and then the system's are trusted. */}}
{{- define "tiangong.givenCa" -}}
{{- if and .Values.api.tls.enabled .Values.api.tls.existingSecret -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace .Values.api.tls.existingSecret -}}
{{- default (index ($secret.data | default dict) "ca.crt" | default "" | b64dec) .Values.api.tls.ca -}}
{{- end -}}
{{- end -}}

{{/* The ConfigMap with the API's CA; empty when there is none. */}}
{{- define "tiangong.caConfigMap" -}}
{{- if and .Values.api.tls.enabled (or (not .Values.api.tls.existingSecret) (include "tiangong.givenCa" .)) -}}
{{- include "tiangong.fullname" . }}-api-ca
{{- end -}}
{{- end -}}
