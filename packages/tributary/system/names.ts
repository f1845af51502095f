/** A service's name is that of its database, its logins, its topic's prefix and its variables' as well. */
export const SERVICE_NAME = /^[a-z][a-z0-9]{0,39}$/

export const serviceNameRule = 'a name has at most 40 letters a to z and digits, the first a letter'
