{{- define "billing.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "billing.labels" -}}
app.kubernetes.io/name: billing
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Of one part: (dict "root" $ "part" "api") */}}
{{- define "billing.selector" -}}
app.kubernetes.io/name: billing
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "billing.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "billing.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "billing.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Settings of every process; those that a secret has are files. */}}
{{- define "billing.env" -}}
- { name: NODE_ENV, value: {{ .Values.settings.NODE_ENV | default "production" | quote }} }
- { name: HOST, value: 0.0.0.0 }
{{- range $name, $value := omit .Values.settings "NODE_ENV" "HOST" "PORT" "METRICS_PORT" }}
- { name: {{ $name }}, value: {{ $value | quote }} }
{{- end }}
{{- range .Values.secret.keys }}
- { name: {{ . }}_FILE, value: /etc/billing/secrets/{{ . }} }
{{- end }}
{{- end }}

{{- define "billing.volumeMounts" -}}
- { name: tmp, mountPath: /tmp }
{{- if .Values.secret.name }}
- { name: secrets, mountPath: /etc/billing/secrets, readOnly: true }
{{- end }}
{{- if .Values.certificates.secretName }}
- { name: certificates, mountPath: {{ .Values.certificates.mountPath }}, readOnly: true }
{{- end }}
{{- end }}

{{- define "billing.volumes" -}}
- name: tmp
  emptyDir: {}
{{- if .Values.secret.name }}
- name: secrets
  secret: { secretName: {{ .Values.secret.name }}, defaultMode: 0440 }
{{- end }}
{{- if .Values.certificates.secretName }}
- name: certificates
  secret: { secretName: {{ .Values.certificates.secretName }}, defaultMode: 0440 }
{{- end }}
{{- end }}

{{/* What nobody can guess is asked for, before anything is started. */}}
{{- define "billing.checked" -}}
{{- range list "AUTH" "PUBLIC_URL" "TEMPORAL_ADDRESS" "KAFKA_BROKERS" "DATABASE_URL" }}
{{- if not (or (hasKey $.Values.settings .) (has . $.Values.secret.keys)) }}
{{- fail (printf "settings.%s must be set, or %s be among secret.keys" . .) }}
{{- end }}
{{- end }}
{{- if and $.Values.secret.keys (not $.Values.secret.name) }}
{{- fail "secret.name must name the Secret that has secret.keys" }}
{{- end }}
{{- end }}
