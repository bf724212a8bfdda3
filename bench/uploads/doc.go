// Package uploads measures the upload engine against what it replaces, in the
// same run on the same servers: the AWS SDK's own uploader straight to S3, and
// tusd with its S3 store. Wall times on a shared machine mean little; the
// ratios within one round do.
//
//	make bench ARGS='-bench Upload'
package uploads
