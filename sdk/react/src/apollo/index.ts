export { clinicalApollo, clinicalLink, type ClinicalApollo, type ClinicalApolloOptions } from './client.js'
export { clinicalErrorOf } from './errors.js'
export { nextPage, type Paged } from './paging.js'
export { clinicalTypePolicies, pages } from './policies.js'
