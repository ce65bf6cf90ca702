variable "model_uuid" {
  description = "UUID of the Juju model to deploy to."
  type        = string
}

variable "app_name" {
  description = "Name of the registry's application."
  type        = string
  default     = "docker-registry"
}

variable "base" {
  description = "Base of the machines: ubuntu@22.04 or ubuntu@24.04."
  type        = string
  default     = "ubuntu@24.04"
}

variable "channel" {
  description = "Channel of the charm."
  type        = string
  default     = "latest/stable"
}

variable "revision" {
  description = "Revision of the charm; null: the newest one of the channel."
  type        = number
  default     = null
}

variable "units" {
  description = "Number of units."
  type        = number
  default     = 3
}

variable "config" {
  description = "Options of the charm: docs/reference/options.md."
  type        = map(string)
  default     = {}
}

variable "resources" {
  description = "Resources of the charm, by name: the revision on Charmhub."
  type        = map(string)
  default     = {}
}

variable "s3_config" {
  description = "Options of s3-integrator. The keys are set by its action sync-s3-credentials."
  type        = map(string)
  default = {
    bucket = "images"
    region = "eu-west-1"
  }
}

variable "s3_integrator_channel" {
  description = "Channel of s3-integrator."
  type        = string
  default     = "1/stable"
}

variable "haproxy_channel" {
  description = "Channel of haproxy."
  type        = string
  default     = "2.8/stable"
}

variable "certificates_channel" {
  description = "Channel of self-signed-certificates."
  type        = string
  default     = "1/stable"
}

variable "agent_channel" {
  description = "Channel of opentelemetry-collector."
  type        = string
  default     = "2/stable"
}
