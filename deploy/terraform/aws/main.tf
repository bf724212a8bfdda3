# The bucket, its key and the server's rights on AWS. Postgres, the cluster and the
# identity provider are yours; `bonfire doctor` checks the whole afterwards.

terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.60"
    }
  }
}

data "aws_caller_identity" "this" {}
data "aws_partition" "this" {}

resource "aws_kms_key" "files" {
  description             = "Clinical files of ${var.bucket}"
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_kms_alias" "files" {
  name          = "alias/${var.bucket}"
  target_key_id = aws_kms_key.files.key_id
}

# Object Lock can only be chosen when a bucket is made. The server uses it for the
# anchors of the audit trail alone; there is no rule for the rest.
resource "aws_s3_bucket" "files" {
  bucket              = var.bucket
  object_lock_enabled = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "files" {
  bucket = aws_s3_bucket.files.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_public_access_block" "files" {
  bucket                  = aws_s3_bucket.files.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "files" {
  bucket = aws_s3_bucket.files.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "files" {
  bucket = aws_s3_bucket.files.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = aws_kms_key.files.arn
    }
  }
}

# Nothing here expires a current object: what is kept and for how long is the
# server's to decide, and it writes a certificate of each deletion.
resource "aws_s3_bucket_lifecycle_configuration" "files" {
  bucket     = aws_s3_bucket.files.id
  depends_on = [aws_s3_bucket_versioning.files]

  # Longer than BONFIRE_UPLOAD_TTL: an upload that is still alive keeps its parts.
  rule {
    id     = "abandoned-multiparts"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = var.abandoned_multipart_days
    }
  }

  # A deleted object's bytes stay for this long, for a restore to an earlier moment.
  rule {
    id     = "deleted-bytes"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.deleted_bytes_days
    }
    expiration {
      expired_object_delete_marker = true
    }
  }
}

# Browsers fetch signed URLs of the bucket itself.
resource "aws_s3_bucket_cors_configuration" "files" {
  count  = length(var.web_origins) > 0 ? 1 : 0
  bucket = aws_s3_bucket.files.id
  cors_rule {
    allowed_methods = ["GET", "HEAD"]
    allowed_origins = var.web_origins
    allowed_headers = ["range"]
    expose_headers  = ["content-length", "content-range", "content-type", "etag"]
    max_age_seconds = 3600
  }
}

# Who fetched what: `bonfire audit ingest-access-log` reads these.
resource "aws_s3_bucket_logging" "files" {
  count         = var.access_log_bucket == "" ? 0 : 1
  bucket        = aws_s3_bucket.files.id
  target_bucket = var.access_log_bucket
  target_prefix = "${var.bucket}/"
}

data "aws_iam_policy_document" "tls_only" {
  statement {
    sid       = "NothingInTheClear"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = [aws_s3_bucket.files.arn, "${aws_s3_bucket.files.arn}/*"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

resource "aws_s3_bucket_policy" "files" {
  bucket     = aws_s3_bucket.files.id
  policy     = data.aws_iam_policy_document.tls_only.json
  depends_on = [aws_s3_bucket_public_access_block.files]
}
