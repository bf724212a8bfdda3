output "config" {
  description = "The settings of the server that follow from this, for the chart's `config`."
  value = {
    BONFIRE_S3_BUCKET  = aws_s3_bucket.files.id
    BONFIRE_S3_REGION  = aws_s3_bucket.files.region
    BONFIRE_KMS_KEY_ID = aws_kms_key.files.arn
  }
}

output "policy_arn" {
  description = "The server's rights, for a role of your own."
  value       = aws_iam_policy.server.arn
}

output "role_arn" {
  description = "For serviceAccount.annotations of the chart; null without oidc_provider."
  value       = one(aws_iam_role.server[*].arn)
}
