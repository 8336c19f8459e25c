using System.Text.Json.Serialization;

namespace DChat.Core.Registry;

/// <summary>
/// A fact of the registry. Who did it and when stands in the <see cref="RegistryRecord"/> around it.
/// A kind is never renamed and its fields never change meaning: old logs are read for ever.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "$e")]
[JsonDerivedType(typeof(AccountCreated), "accountCreated")]
[JsonDerivedType(typeof(AccountsCreated), "accountsCreated")]
[JsonDerivedType(typeof(PasswordChanged), "passwordChanged")]
[JsonDerivedType(typeof(TokensRevoked), "tokensRevoked")]
[JsonDerivedType(typeof(SessionEnded), "sessionEnded")]
[JsonDerivedType(typeof(DisplayNameChanged), "displayNameChanged")]
[JsonDerivedType(typeof(AdminChanged), "adminChanged")]
[JsonDerivedType(typeof(AccountDisabled), "accountDisabled")]
[JsonDerivedType(typeof(AccountEnabled), "accountEnabled")]
[JsonDerivedType(typeof(AccountClosed), "accountClosed")]
[JsonDerivedType(typeof(InvitationCreated), "invitationCreated")]
[JsonDerivedType(typeof(InvitationUsed), "invitationUsed")]
[JsonDerivedType(typeof(InvitationRevoked), "invitationRevoked")]
[JsonDerivedType(typeof(ApiTokenCreated), "apiTokenCreated")]
[JsonDerivedType(typeof(ApiTokenEnded), "apiTokenEnded")]
[JsonDerivedType(typeof(RoomCreated), "roomCreated")]
[JsonDerivedType(typeof(DirectOpened), "directOpened")]
[JsonDerivedType(typeof(RoomUpdated), "roomUpdated")]
[JsonDerivedType(typeof(RoomDeleted), "roomDeleted")]
[JsonDerivedType(typeof(MemberJoined), "memberJoined")]
[JsonDerivedType(typeof(MembersJoined), "membersJoined")]
[JsonDerivedType(typeof(MemberLeft), "memberLeft")]
[JsonDerivedType(typeof(RoleChanged), "roleChanged")]
[JsonDerivedType(typeof(Muted), "muted")]
[JsonDerivedType(typeof(Invited), "invited")]
[JsonDerivedType(typeof(InvitationWithdrawn), "invitationWithdrawn")]
[JsonDerivedType(typeof(Banned), "banned")]
[JsonDerivedType(typeof(Unbanned), "unbanned")]
[JsonDerivedType(typeof(WorkerRegistered), "workerRegistered")]
[JsonDerivedType(typeof(StoreBound), "storeBound")]
[JsonDerivedType(typeof(WorkerStateChanged), "workerStateChanged")]
[JsonDerivedType(typeof(WorkerRemoved), "workerRemoved")]
[JsonDerivedType(typeof(RoomsAssigned), "roomsAssigned")]
[JsonDerivedType(typeof(KeyAdded), "keyAdded")]
[JsonDerivedType(typeof(Audited), "audited")]
public abstract record RegistryEvent;
