export { clinicalApollo, clinicalLink, type ClinicalApollo, type ClinicalApolloOptions } from './client.js'
export { clinicalErrorOf } from './errors.js'
export { clinicalTypePolicies, pages } from './policies.js'
