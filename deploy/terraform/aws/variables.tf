variable "bucket" {
  description = "Name of the bucket to make; the key's alias and the policy are named after it."
  type        = string
}

variable "web_origins" {
  description = "Origins of the web applications that show files, such as https://app.example.org."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for o in var.web_origins : can(regex("^https://[^*/]+$", o))])
    error_message = "Exact https origins, without a path or a star."
  }
}

variable "abandoned_multipart_days" {
  description = "Days after which S3 drops an unfinished multipart; more than BONFIRE_UPLOAD_TTL, as that life starts anew with each byte."
  type        = number
  default     = 30

  validation {
    condition     = var.abandoned_multipart_days > 7
    error_message = "More than 7 days, the default life of an unfinished upload."
  }
}

variable "deleted_bytes_days" {
  description = "Days for which the bytes of a deleted object can be brought back."
  type        = number
  default     = 35
}

variable "access_log_bucket" {
  description = "Bucket for S3 server access logs; none when empty."
  type        = string
  default     = ""
}

variable "oidc_provider" {
  description = "The cluster's OIDC issuer without https://, for a role of the pods; none when empty."
  type        = string
  default     = ""
}

variable "service_account" {
  description = "namespace:name of the server's service account."
  type        = string
  default     = "bonfire:bonfire"
}
