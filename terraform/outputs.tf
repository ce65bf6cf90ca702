output "app_name" {
  description = "Name of the registry's application."
  value       = juju_application.docker_registry.name
}

output "provides" {
  description = "Endpoints that others can relate to."
  value = {
    docker_registry      = "docker-registry"
    website              = "website"
    nrpe_external_master = "nrpe-external-master"
    dockerhost           = "dockerhost"
    sdn_plugin           = "sdn-plugin"
    cos_agent            = "cos-agent"
    send_ca_cert         = "send-ca-cert"
  }
}

output "requires" {
  description = "Endpoints for applications that the registry uses."
  value = {
    cert_provider     = "cert-provider"
    s3_credentials    = "s3-credentials"
    receive_ca_certs  = "receive-ca-certs"
    haproxy_route     = "haproxy-route"
    haproxy_route_tcp = "haproxy-route-tcp"
  }
}
