import sys,time,resource
from benchmarks.duplicates_market import made_market
from src.prepare.duplicates import group_near_duplicates
import numpy as np
m=made_market(int(sys.argv[1]))
t0=time.perf_counter(); g=group_near_duplicates(m.table,m.index,.7,6).group; d=time.perf_counter()-t0
a=g.to_numpy()[m.planted]; s=g.value_counts()
print(sys.argv[1], round(d,2),'s', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024,'MB recall',(a[:,0]==a[:,1]).mean().round(4),'largest',s.head(5).tolist(), 'groups',len(s))
