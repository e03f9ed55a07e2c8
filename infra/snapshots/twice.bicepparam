// The same vault twice, the second time in another spelling: no conflict.
using 'twice.bicep'
