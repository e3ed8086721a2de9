package shim;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.elasticsearch.action.ActionListener;
import org.elasticsearch.action.ActionRunnable;
import org.elasticsearch.action.bulk.BulkItemResponse;
import org.elasticsearch.action.bulk.BulkRequest;
import org.elasticsearch.action.delete.DeleteRequest;
import org.elasticsearch.action.search.SearchRequest;
import org.elasticsearch.action.search.SearchResponse;
import org.elasticsearch.action.support.ActionFilters;
import org.elasticsearch.action.support.HandledTransportAction;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.common.Strings;
import org.elasticsearch.core.TimeValue;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.reindex.BulkByPaginatedSearchResponse;
import org.elasticsearch.index.reindex.BulkByPaginatedSearchTask;
import org.elasticsearch.index.reindex.DeleteByQueryAction;
import org.elasticsearch.index.reindex.DeleteByQueryRequest;
import org.elasticsearch.index.reindex.WorkerBulkByPaginatedSearchTaskState;
import org.elasticsearch.injection.guice.Inject;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.rest.action.RestBuilderListener;
import org.elasticsearch.search.SearchHit;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.tasks.Task;
import org.elasticsearch.transport.TransportService;
import org.elasticsearch.xcontent.ToXContent;
import org.elasticsearch.xcontent.XContentBuilder;

/**
 * `_delete_by_query`, whose module is not to be had. Request, response, task and status are the server's own classes, so
 * `_tasks` lists it with its progress and cancels it; only the loop that searches and deletes is written here.
 */
public final class DeleteByQuery {
  static final class Rest extends BaseRestHandler {
    private static final ToXContent.Params SHOWN =
        new ToXContent.MapParams(Map.of("include_created", "false", "include_updated", "false"));
    private final Predicate<NodeFeature> features;

    Rest(Predicate<NodeFeature> features) {
      this.features = features;
    }

    @Override
    public String getName() {
      return "delete_by_query_action";
    }

    @Override
    public List<Route> routes() {
      return List.of(new Route(RestRequest.Method.POST, "/{index}/_delete_by_query"));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest rest, NodeClient client) throws IOException {
      SearchSourceBuilder source = new SearchSourceBuilder();
      if (rest.hasContentOrSourceParam())
        try (var parser = rest.contentOrSourceParamParser()) {
          source.parseXContent(parser, true, features);
        }
      DeleteByQueryRequest request = new DeleteByQueryRequest(Strings.splitStringByCommaToArray(rest.param("index")));
      request.getSearchRequest().source(source);
      request.setBatchSize(rest.paramAsInt("scroll_size", 1000));
      int most = rest.paramAsInt("max_docs", -1);
      if (most >= 0) request.setMaxDocs(most);
      request.setRefresh(rest.paramAsBoolean("refresh", false));
      request.setConflicts(rest.param("conflicts", "abort"));
      float perSecond = rest.paramAsFloat("requests_per_second", -1);
      if (perSecond > 0) request.setRequestsPerSecond(perSecond);
      for (String unused : new String[] {"wait_for_completion", "slices", "timeout"}) rest.param(unused);
      return channel -> client.execute(DeleteByQueryAction.INSTANCE, request, new RestBuilderListener<>(channel) {
        @Override
        public RestResponse buildResponse(BulkByPaginatedSearchResponse response, XContentBuilder builder) throws Exception {
          builder.startObject();
          response.toXContent(builder, SHOWN);
          builder.endObject();
          RestStatus status = RestStatus.OK;
          for (BulkItemResponse.Failure failure : response.getBulkFailures())
            if (failure.getStatus().getStatus() > status.getStatus()) status = failure.getStatus();
          return new RestResponse(status, builder);
        }
      });
    }
  }

  public static final class Transport extends HandledTransportAction<DeleteByQueryRequest, BulkByPaginatedSearchResponse> {
    private final NodeClient client;

    @Inject
    public Transport(TransportService transport, ActionFilters filters, NodeClient client) {
      super(DeleteByQueryAction.NAME, transport, filters, DeleteByQueryRequest::new, client.threadPool().generic());
      this.client = client;
    }

    @Override
    protected void doExecute(Task task, DeleteByQueryRequest request, ActionListener<BulkByPaginatedSearchResponse> listener) {
      BulkByPaginatedSearchTask own = (BulkByPaginatedSearchTask) task;
      own.setWorker(request.getRequestsPerSecond(), null);
      client.threadPool().generic().execute(ActionRunnable.supply(listener, () -> delete(own, request)));
    }

    private BulkByPaginatedSearchResponse delete(BulkByPaginatedSearchTask task, DeleteByQueryRequest request) throws Exception {
      long began = System.nanoTime();
      WorkerBulkByPaginatedSearchTaskState state = task.getWorkerState();
      List<BulkItemResponse.Failure> failures = new ArrayList<>();
      String[] indices = request.indices();
      SearchSourceBuilder source = request.getSearchRequest().source();
      client.admin().indices().prepareRefresh(indices).get();
      for (long left = request.getMaxDocs() < 0 ? Long.MAX_VALUE : request.getMaxDocs(); left > 0 && !task.isCancelled(); ) {
        source.size((int) Math.min(left, request.getBatchSize())).fetchSource(false).seqNoAndPrimaryTerm(true).trackTotalHits(true);
        BulkRequest bulk = new BulkRequest().setRefreshPolicy("true");
        SearchResponse found = client.search(new SearchRequest(indices).source(source)).actionGet();
        try {
          if (state.getStatus().getBatches() == 0) state.setTotal(Math.min(left, found.getHits().getTotalHits().value()));
          for (SearchHit hit : found.getHits())
            bulk.add(new DeleteRequest(hit.getIndex(), hit.getId()).setIfSeqNo(hit.getSeqNo()).setIfPrimaryTerm(hit.getPrimaryTerm()));
        } finally {
          found.decRef();
        }
        if (bulk.numberOfActions() == 0) break;
        state.countBatch();
        long deleted = state.getDeleted();
        for (BulkItemResponse item : client.bulk(bulk).actionGet()) {
          if (!item.isFailed()) state.countDeleted();
          else {
            if (item.getFailure().getStatus() == RestStatus.CONFLICT) state.countVersionConflict();
            if (request.isAbortOnVersionConflict() || item.getFailure().getStatus() != RestStatus.CONFLICT) failures.add(item.getFailure());
          }
        }
        left -= bulk.numberOfActions();
        if (!failures.isEmpty() || state.getDeleted() == deleted) break;
        throttle(task, bulk.numberOfActions() / request.getRequestsPerSecond());
      }
      TimeValue took = TimeValue.timeValueNanos(System.nanoTime() - began);
      return new BulkByPaginatedSearchResponse(took, task.getStatus(), failures, List.of(), false);
    }

    private static void throttle(BulkByPaginatedSearchTask task, float seconds) throws InterruptedException {
      long end = System.nanoTime() + (long) (seconds * 1e9);
      while (!task.isCancelled() && System.nanoTime() < end) Thread.sleep(20);
    }
  }
}
