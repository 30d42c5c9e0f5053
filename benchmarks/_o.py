import sys,time,json,resource
from benchmarks.duplicates_market import made_market
from src.prepare.overlap import measure_overlap, Parts
import numpy as np
n=int(sys.argv[1]); m=made_market(n); p=(np.random.default_rng(0).random(n)<.2).astype(int); f=np.random.default_rng(0).integers(5,size=n)
t0=time.perf_counter(); r=measure_overlap(m.table,m.index,{'a':Parts(p,p>0),'b':Parts(f,f>=0)},.7,6,1); print(n,round(time.perf_counter()-t0,2),resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024,json.dumps(r))
