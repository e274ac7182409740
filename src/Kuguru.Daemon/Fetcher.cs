using System.Net.Http.Headers;
using System.Net.Sockets;
using Kuguru.Engine;
using Kuguru.Ike;
using Kuguru.Pki;

namespace Kuguru.Daemon;

/// <summary>
/// Answers <see cref="Effect.Fetch"/> off the control loop: CRLs and OCSP responses by HTTP, CRLs also by LDAP and from files that the configuration names.
/// Bounded in time and size, and so many at once; every fetch is answered.
/// </summary>
public sealed class Fetcher : IDisposable
{
    /// <summary>Others wait for their turn, in their own time: after a restart, all peers of a gateway come at once.</summary>
    const int MaxAtOnce = 16, MaxWaiting = 4000;

    const int MaxRedirections = 3;

    readonly Action<Order> _tell;
    readonly TimeSpan _limit;
    readonly HttpClient _http;
    readonly CancellationTokenSource _ended = new();
    readonly SemaphoreSlim _turns = new(MaxAtOnce);
    int _waiting;

    /// <param name="tell">Gets the answers, from any thread.</param>
    /// <param name="limit">For one fetch as a whole; 10 s if left out.</param>
    public Fetcher(Action<Order> tell, TimeSpan? limit = null)
    {
        (_tell, _limit) = (tell, limit ?? TimeSpan.FromSeconds(10));
        _http = new HttpClient(new SocketsHttpHandler { MaxAutomaticRedirections = MaxRedirections, UseCookies = false, PooledConnectionIdleTimeout = TimeSpan.FromSeconds(1) })
        {
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = RevocationList.MaxLength,
        };
    }

    public void Fetch(Effect.Fetch fetch) => _ = Run(fetch);

    public void Dispose()
    {
        _ended.Cancel();
        _http.Dispose();
        _ended.Dispose();
    }

    async Task Run(Effect.Fetch fetch)
    {
        byte[]? bytes = null;
        var why = "";
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
            why = $"{MaxWaiting} others are to be fetched already";
        else
        {
            try
            {
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
                limit.CancelAfter(_limit);
                bytes = await InTurn(fetch.What, limit.Token);
            }
            catch (OperationCanceledException)
            {
                why = $"not done in {_limit.TotalSeconds} s";
            }
            catch (Exception e) when (e is HttpRequestException or SocketException or IOException or UnauthorizedAccessException or UriFormatException or NotSupportedException or InvalidOperationException)
            {
                why = e.Message;
            }
        }
        Interlocked.Decrement(ref _waiting);
        if (!_ended.IsCancellationRequested)
            _tell(new Order.Fetched(fetch.Request, bytes is null ? default(Blob?) : new Blob(bytes), why));
    }

    async Task<byte[]> InTurn(FetchRequest what, CancellationToken limit)
    {
        await _turns.WaitAsync(limit);
        try
        {
            return await Read(what, limit);
        }
        finally
        {
            _turns.Release();
        }
    }

    async Task<byte[]> Read(FetchRequest what, CancellationToken limit)
    {
        var uri = new Uri(what.Uri, UriKind.Absolute);
        if (uri.IsFile)
        {
            var file = new FileInfo(uri.LocalPath);
            return file.Length <= RevocationList.MaxLength ? await File.ReadAllBytesAsync(file.FullName, limit) : throw new IOException($"{file.Length} octets, of which at most {RevocationList.MaxLength} are read");
        }
        if (uri.Scheme == LdapQuery.UriScheme)
            return await LdapQuery.Read(uri, RevocationList.MaxLength, limit);
        using var request = new HttpRequestMessage(what.Body.IsEmpty ? HttpMethod.Get : HttpMethod.Post, uri);
        if (!what.Body.IsEmpty)
        {
            request.Content = new ReadOnlyMemoryContent(what.Body.Memory);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/ocsp-request");
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, limit);
        return response.IsSuccessStatusCode ? await response.Content.ReadAsByteArrayAsync(limit)
            : throw new HttpRequestException($"HTTP status {(int)response.StatusCode}");
    }
}
