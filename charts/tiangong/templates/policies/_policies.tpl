{{/*
Who writes, as variables for the policies. Pods of pools and bare hosts are agents, each under its own names alone: a pod by
the claims of its token, which the API server made (its name, and its pool's name with its node's), a bare host by its
ServiceAccount's name. A token of the pools' ServiceAccount without such claims is an agent of no name.
*/}}
{{- define "tiangong.policies.variables" -}}
{{- $prefix := printf "system:serviceaccount:%s:" .Release.Namespace -}}
{{- $pools := list (printf "%s%s" $prefix (include "tiangong.serviceAccountName" (dict "root" . "component" "agent"))) -}}
{{- with include "tiangong.hostNamespace" . -}}
{{- $pools = append $pools (printf "system:serviceaccount:%s:%s" . (include "tiangong.serviceAccountName" (dict "root" $ "component" "agent"))) -}}
{{- end -}}
- name: user
  expression: request.userInfo.username
- name: isOperator
  expression: {{ printf "variables.user == '%s%s'" $prefix (include "tiangong.serviceAccountName" (dict "root" . "component" "operator")) | quote }}
- name: isApi
  expression: {{ printf "variables.user == '%s%s'" $prefix (include "tiangong.serviceAccountName" (dict "root" . "component" "api")) | quote }}
- name: isPod
  expression: {{ printf "variables.user in %s" (toJson $pools | replace "\"" "'") | quote }}
- name: isHost
  expression: {{ printf "!variables.isPod && !variables.isOperator && !variables.isApi && variables.user.startsWith('%sagent-')" $prefix | quote }}
- name: isAgent
  expression: variables.isPod || variables.isHost
- name: pod
  expression: request.userInfo.?extra[?'authentication.kubernetes.io/pod-name'].orValue([''])[0]
- name: node
  expression: request.userInfo.?extra[?'authentication.kubernetes.io/node-name'].orValue([''])[0]
- name: names
  expression: >-
    variables.isHost ? [variables.user.substring({{ printf "%sagent-" $prefix | len }})]
    : variables.isPod && variables.pod != '' ? (
      variables.node != '' && variables.pod.contains('-')
      ? [variables.pod, variables.pod.substring(0, variables.pod.lastIndexOf('-')) + '-' + variables.node]
      : [variables.pod]
    )
    : []
{{- end -}}

{{/* Binds a policy to namespaces of the release: (dict "root" . "name" "task-status" "where" "watched"), or "home". */}}
{{- define "tiangong.policies.binding" -}}
{{- $root := .root -}}
{{- $kind := .kind | default "ValidatingAdmissionPolicy" -}}
{{- $namespaces := list $root.Release.Namespace -}}
{{- if eq .where "watched" }}{{ $namespaces = include "tiangong.watchedNamespaces" $root | fromJsonArray }}{{ end -}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  name: {{ include "tiangong.clusterName" $root }}.{{ .name }}
  labels:
    {{- include "tiangong.labels" (dict "root" $root) | nindent 4 }}
spec:
  policyName: {{ include "tiangong.clusterName" $root }}.{{ .name }}
  {{- if eq $kind "ValidatingAdmissionPolicy" }}
  validationActions: [Deny]
  {{- end }}
  {{- if not (and (eq .where "watched") $root.Values.scope.clusterWide) }}
  matchResources:
    namespaceSelector:
      matchExpressions:
        - key: kubernetes.io/metadata.name
          operator: In
          values: {{ $namespaces | toJson }}
  {{- end }}
{{- end -}}

{{/* What every policy begins with: (dict "root" . "name" "task-status"), or with a kind. */}}
{{- define "tiangong.policies.head" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: {{ .kind | default "ValidatingAdmissionPolicy" }}
metadata:
  name: {{ include "tiangong.clusterName" .root }}.{{ .name }}
  labels:
    {{- include "tiangong.labels" (dict "root" .root) | nindent 4 }}
{{- end -}}

{{/* Whether the server mutates by policies: "true", or empty. */}}
{{- define "tiangong.policies.mutating" -}}
{{- if kindIs "bool" .Values.policies.mutating -}}
{{- if .Values.policies.mutating }}true{{ end -}}
{{- else if .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
true
{{- end -}}
{{- end -}}
