/** Over which callback.html tells the console what the identity provider answered. */
export const channelName = 'bonfire-sign-in'
