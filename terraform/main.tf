terraform {
  required_version = ">= 1.6"
  required_providers {
    juju = {
      source  = "juju/juju"
      version = ">= 1.0, < 2.0"
    }
  }
}

resource "juju_application" "docker_registry" {
  name       = var.app_name
  model_uuid = var.model_uuid
  units      = var.units
  config     = var.config
  resources  = var.resources

  charm {
    name     = "docker-registry"
    channel  = var.channel
    revision = var.revision
    base     = var.base
  }
}

resource "juju_application" "s3_integrator" {
  name       = "s3-integrator"
  model_uuid = var.model_uuid
  config     = var.s3_config

  charm {
    name    = "s3-integrator"
    channel = var.s3_integrator_channel
    base    = "ubuntu@22.04"
  }
}

resource "juju_application" "haproxy" {
  name       = "haproxy"
  model_uuid = var.model_uuid

  charm {
    name    = "haproxy"
    channel = var.haproxy_channel
    base    = var.base
  }

  expose {}
}

resource "juju_application" "certificates" {
  name       = "self-signed-certificates"
  model_uuid = var.model_uuid

  charm {
    name    = "self-signed-certificates"
    channel = var.certificates_channel
    base    = var.base
  }
}

resource "juju_application" "agent" {
  name       = "opentelemetry-collector"
  model_uuid = var.model_uuid

  charm {
    name    = "opentelemetry-collector"
    channel = var.agent_channel
    base    = var.base
  }
}

resource "juju_integration" "s3" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.docker_registry.name
    endpoint = "s3-credentials"
  }

  application {
    name     = juju_application.s3_integrator.name
    endpoint = "s3-credentials"
  }
}

resource "juju_integration" "certificates" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.docker_registry.name
    endpoint = "cert-provider"
  }

  application {
    name     = juju_application.certificates.name
    endpoint = "certificates"
  }
}

resource "juju_integration" "proxy" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.docker_registry.name
    endpoint = "website"
  }

  application {
    name     = juju_application.haproxy.name
    endpoint = "reverseproxy"
  }
}

resource "juju_integration" "agent" {
  model_uuid = var.model_uuid

  application {
    name     = juju_application.docker_registry.name
    endpoint = "cos-agent"
  }

  application {
    name     = juju_application.agent.name
    endpoint = "cos-agent"
  }
}
